// The live panel: what the server's metrics say, every two seconds while it can be seen.

import * as api from './api.js';
import {byID, count, make} from './dom.js';
import {lineChart} from './chart.js';
import {buckets, parse, quantile, sum} from './metrics.js';

const interval = 2000;
const maxPoints = 60;
const duration = 'alexnet_http_request_duration_seconds';
/** Only predictions count: the page's own questions would be part of the rate. */
const isPrediction = ({route}) => /predict|infer|invocations|classify/.test(route ?? '');

const milliseconds = (seconds) => (seconds === null ? '–' : `${(1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)} ms`);
const number = (digits) => (value) => (value === null ? '–' : value.toFixed(digits));

/** What is shown: its name, how it is computed from two readings, and its text. */
const tiles = [
  {name: 'Predictions a second', text: number(1), value: (before, after, seconds) => (total(after) - total(before)) / seconds},
  ...[[0.5, 'Latency, median'], [0.95, 'Latency, 95 %'], [0.99, 'Latency, 99 %']].map(([share, name]) => ({
    name, text: milliseconds, value: (before, after) => quantile(share, buckets(before, duration, isPrediction), buckets(after, duration, isPrediction)),
  })),
  {name: 'Images in a batch, mean', text: number(1), value: (before, after) => ratio('alexnet_batch_size', before, after)},
  {name: 'Images that wait', text: count, value: (_, after) => sum(after, 'alexnet_queue_depth')},
  {name: 'Connections', text: count, value: (_, after) => sum(after, 'alexnet_http_connections')},
  {name: 'Reloads', text: count, value: (_, after) => sum(after, 'alexnet_model_reloads_total', ({outcome}) => outcome === 'success')},
  {name: 'Memory', text: (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`, value: (_, after) => sum(after, 'process_resident_memory_bytes')},
];

const total = (samples) => sum(samples, 'alexnet_http_requests_total', isPrediction);

function ratio(name, before, after) {
  const difference = (suffix) => sum(after, `${name}_${suffix}`) - sum(before, `${name}_${suffix}`);
  return difference('count') > 0 ? difference('sum') / difference('count') : null;
}

let previous = null;
let isVisible = false;
const histories = tiles.map(() => []);
const views = tiles.map(({name}) => {
  const value = make('dd', {class: 'value'}, '–');
  const chart = make('dd', {});
  byID('live-tiles').append(make('div', {class: 'tile'}, make('dt', {}, name), value, chart));
  return {value, chart};
});

async function look() {
  let text;
  try {
    text = await api.metrics();
    byID('live-hint').textContent = 'From /metrics, every two seconds while this is on the screen.';
  } catch (error) {
    byID('live-hint').textContent = error.message;
    previous = null;
    return;
  }
  const reading = {at: performance.now(), samples: parse(text)};
  if (previous) {
    const seconds = (reading.at - previous.at) / 1000;
    tiles.forEach(({name, text: write, value}, index) => {
      const found = value(previous.samples, reading.samples, seconds);
      histories[index] = [...histories[index], found].slice(-maxPoints);
      views[index].value.textContent = found === null ? '–' : write(found);
      views[index].chart.replaceChildren(lineChart([histories[index]], {label: `${name}, the last two minutes`, height: 32}));
    });
  }
  previous = reading;
}

/** Looks at once and then at intervals, while the panel and the page can be seen. */
export function start() {
  const observer = new IntersectionObserver((entries) => {
    isVisible = entries.at(-1).isIntersecting;
  });
  observer.observe(byID('live'));
  let isLooking = false;
  const tick = async () => {
    if (isLooking || !isVisible || document.hidden) return;
    isLooking = true;
    await look();
    isLooking = false;
  };
  setInterval(tick, interval);
  setTimeout(tick, 200);
}
