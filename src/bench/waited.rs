//! How long this program's threads could have run and had no processor to run on.

/// Time of all threads so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    ran_ns: u64,
    waited_ns: u64,
}

impl Waited {
    /// Until now; `None` where the system does not tell (`/proc/self/task/*/schedstat` of Linux does).
    pub fn until_now() -> Option<Self> {
        let tasks = std::fs::read_dir("/proc/self/task").ok()?;
        let mut sum = Self { ran_ns: 0, waited_ns: 0 };
        for task in tasks {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            let one = Self::parse(&text)?;
            sum =
                Self { ran_ns: sum.ran_ns + one.ran_ns, waited_ns: sum.waited_ns + one.waited_ns };
        }
        Some(sum)
    }

    /// `time running`, `time waiting`, `turns`; nanoseconds.
    fn parse(schedstat: &str) -> Option<Self> {
        let mut numbers = schedstat.split_whitespace().map(str::parse);
        Some(Self { ran_ns: numbers.next()?.ok()?, waited_ns: numbers.next()?.ok()? })
    }

    /// Of the time that threads ran or wanted to since `before`, the share that they waited.
    pub fn share_since(self, before: Self) -> Option<f64> {
        let ran = self.ran_ns.checked_sub(before.ran_ns)? as f64;
        let waited = self.waited_ns.checked_sub(before.waited_ns)? as f64;
        (ran > 0.0).then(|| waited / (ran + waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_time_between() {
        let before = Waited::parse("100 50 3\n").unwrap();
        let after = Waited::parse("400 150 9\n").unwrap();
        // 300 ns on a processor, 100 without.
        assert_eq!(after.share_since(before), Some(0.25));
        assert_eq!(before.share_since(before), None);
        assert_eq!(before.share_since(after), None);
        assert_eq!(Waited::parse("0"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells() {
        let now = Waited::until_now();
        assert!(now.is_none_or(|now| now.ran_ns > 0), "{now:?}");
    }
}
