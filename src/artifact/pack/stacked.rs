//! The weights of many networks of one shape as one array each, with one axis more in front.

use oddlot_series::NamedTensor;

/// Arrays `[ticker, …]` of arrays `[…]`; those of every ticker in one order.
pub(super) fn stacked(all: &[&Vec<NamedTensor>]) -> Result<Vec<NamedTensor>, &'static str> {
    let Some(first) = all.first() else { return Ok(Vec::new()) };
    let stack = |(idx, like): (usize, &NamedTensor)| {
        let mut values = Vec::with_capacity(like.values.len() * all.len());
        for own in all {
            let own = own.get(idx).filter(|own| own.name == like.name && own.shape == like.shape);
            values.extend_from_slice(&own.ok_or("they differ in shape")?.values);
        }
        let shape = std::iter::once(all.len()).chain(like.shape.iter().copied()).collect();
        Ok(NamedTensor { name: like.name.clone(), shape, values })
    };
    first.iter().enumerate().map(stack).collect()
}

/// Each ticker's weights again.
pub(super) fn unstacked(stacked: &[NamedTensor]) -> Result<Vec<Vec<NamedTensor>>, String> {
    let n_of = |tensor: &NamedTensor| tensor.shape.first().copied().unwrap_or(0);
    let n = stacked.first().map_or(0, n_of);
    if n == 0 || stacked.iter().any(|tensor| n_of(tensor) != n) {
        return Err("weights of different numbers of tickers".into());
    }
    let of = |idx: usize| {
        let one = |tensor: &NamedTensor| {
            let size = tensor.values.len() / n;
            let values = tensor.values[idx * size..(idx + 1) * size].to_vec();
            NamedTensor { name: tensor.name.clone(), shape: tensor.shape[1..].to_vec(), values }
        };
        stacked.iter().map(one).collect()
    };
    Ok((0..n).map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(values: [f32; 3]) -> Vec<NamedTensor> {
        let [a, b, c] = values;
        vec![
            NamedTensor { name: "a".into(), shape: vec![2], values: vec![a, b] },
            NamedTensor { name: "b".into(), shape: vec![1, 1], values: vec![c] },
        ]
    }

    #[test]
    fn networks_stand_behind_each_other_in_every_array_and_come_back() {
        let all = [network([1.0, 2.0, 3.0]), network([4.0, -0.0, 6.0])];
        let packed = stacked(&all.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(packed[0].shape, [2, 2]);
        assert_eq!(packed[0].values, [1.0, 2.0, 4.0, -0.0]);
        assert_eq!((&packed[1].shape, &packed[1].values), (&vec![2, 1, 1], &vec![3.0, 6.0]));
        assert_eq!(unstacked(&packed).unwrap(), all);
    }

    #[test]
    fn networks_of_other_shapes_are_refused() {
        let mut other = network([0.0; 3]);
        other[1].shape = vec![1];
        assert!(stacked(&[&network([0.0; 3]), &other]).is_err());
        assert!(stacked(&[&network([0.0; 3]), &other[..1].to_vec()]).is_err());
        assert_eq!(stacked(&[]).unwrap(), []);
        let mut packed = stacked(&[&network([0.0; 3])]).unwrap();
        packed[0].shape[0] = 3;
        assert!(unstacked(&packed).is_err());
        assert!(unstacked(&[]).is_err());
    }
}
