// Reads Prometheus' text format, and what the live panel wants to know of it.

/** Every sample: its name, its labels and its value. */
export function parse(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
    }
    samples.push({name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity'))});
  }
  return samples;
}

/** The sum of all samples of a name that fulfil a condition. */
export const sum = (samples, name, condition = () => true) => samples
  .filter((sample) => sample.name === name && condition(sample.labels))
  .reduce((total, sample) => total + sample.value, 0);

/** The counts of a histogram below each bound, over all its series that fulfil a condition. */
export function buckets(samples, name, condition = () => true) {
  const counts = new Map();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket` || !condition(sample.labels)) continue;
    const bound = sample.labels.le === '+Inf' ? Infinity : Number(sample.labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
  }
  return counts;
}

/**
 * A quantile of what was counted between two readings of a histogram, interpolated within its bucket; null if nothing was
 * counted.
 */
export function quantile(share, before, after) {
  const bounds = [...after.keys()].sort((one, other) => one - other);
  const counts = bounds.map((bound) => after.get(bound) - (before.get(bound) ?? 0));
  const total = counts.at(-1) ?? 0;
  if (!(total > 0)) return null;
  const rank = share * total;
  const place = counts.findIndex((count) => count >= rank);
  const low = place === 0 ? 0 : bounds[place - 1];
  if (bounds[place] === Infinity) return low;
  const below = place === 0 ? 0 : counts[place - 1];
  return low + (bounds[place] - low) * (rank - below) / (counts[place] - below);
}
