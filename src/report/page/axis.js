// Where the ticks of an axis stand, as pairs of a value and its words. Times are in ms.
const DAY = 864e5, MINUTE = 6e4;
const between = (low, value, high) => Math.max(low, Math.min(high, value));

// Of values: about so many round ones.
function valueTicks(from, to, isLog, about) {
  const words = (value, digits) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
  const digits = size => between(0, -Math.floor(Math.log10(size) + 1e-9), 12);
  const list = [];
  if (isLog && to / from > 6) {
    for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
      for (const times of to / from > 100 ? [1] : [1, 2, 5]) list.push(times * 10 ** power);
    }
    return list.filter(value => value >= from && value <= to).map(value => [value, words(value, digits(value))]);
  }
  const rough = (to - from) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find(times => times * power >= rough * 0.999) ?? 10) * power;
  for (let idx = Math.ceil(from / step); idx <= Math.floor(to / step); idx++) list.push(idx * step || 0);
  return list.map(value => [value, words(value, digits(step))]);
}

// Of time: instants of the calendar in UTC, at most one more than about so many. The year, or the day, is told where
// it is new.
function timeTicks(from, to, about) {
  const words = (time, parts) => new Date(time).toLocaleString("en-GB", { timeZone: "UTC", ...parts });
  const day = { day: "numeric", month: "short" }, clock = { hour: "2-digit", minute: "2-digit" };
  const steps = [
    ...[1, 5, 15, 30, 60, 180, 360, 720].map(n => ({ length: n * MINUTE, parts: clock, news: day })),
    ...[1, 2, 4, 7, 14].map(n => ({ length: n * DAY, parts: day })),
    ...[1, 2, 3, 6].map(months => ({ months, parts: { month: "short" } })),
    ...[1, 2, 5, 10, 20, 50].map(years => ({ months: 12 * years, parts: {} })),
  ];
  const within = ({ length, months }) => {
    const times = [];
    if (months) {
      const start = new Date(from), month = start.getUTCFullYear() * 12 + start.getUTCMonth();
      for (let n = Math.floor(month / months) * months, time; (time = Date.UTC(Math.floor(n / 12), n % 12)) <= to; n += months) times.push(time);
    } else if ((to - from) / length < 100) {
      const monday = length % (7 * DAY) === 0 ? 4 * DAY : 0;
      for (let time = Math.ceil((from - monday) / length) * length + monday; time <= to; time += length) times.push(time);
    } else return { length: Infinity };
    return times.filter(time => time >= from);
  };
  const step = steps.find(step => within(step).length <= about + 1) ?? steps.at(-1);
  const { parts, news = { year: "numeric" } } = step;
  let last = "";
  return within(step).map(time => {
    const own = words(time, parts), recent = words(time, news), isNews = recent !== last;
    last = recent;
    if (step.months >= 12) return [time, recent];
    return [time, !isNews ? own : news === day ? `${recent} ${own}` : `${own} ${recent}`];
  });
}
