// The live panel: what the server's metrics say, every two seconds while it can be seen.

import * as api from './api.js';
import {byID, count, make} from './dom.js';
import {lineChart, range} from './chart.js';
import {buckets, parse, quantile, sum} from './metrics.js';

const interval = 2000;
const maxPoints = 60;
const duration = 'alexnet_http_request_duration_seconds';
/** Only predictions count: the page's own questions would be part of the rate. */
const isPrediction = ({route}) => /predict|infer|invocations|classify/.test(route ?? '');

const milliseconds = (seconds) => (seconds === null ? '–' : `${(1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)} ms`);
const mebibytes = (bytes) => `${count(Math.round(bytes / 2 ** 20))} MiB`;
const number = (digits) => (value) => (value === null ? '–' : value.toFixed(digits));

/** What is shown: its name, how it is computed from two readings, and its text. */
const tiles = [
  {name: 'Predict requests a second', text: number(1), value: (before, after, seconds) => (total(after) - total(before)) / seconds},
  ...[50, 95, 99].map((rank) => ({
    name: `Latency, p${rank}`, text: milliseconds,
    value: (before, after) => quantile(rank / 100, buckets(before, duration, isPrediction), buckets(after, duration, isPrediction)),
  })),
  {name: 'Images in a batch, mean', text: number(1), value: (before, after) => ratio('alexnet_batch_size', before, after)},
  {name: 'Images that wait', text: count, value: (_, after) => sum(after, 'alexnet_queue_depth')},
  {name: 'Connections', text: count, value: (_, after) => sum(after, 'alexnet_http_connections')},
  {name: 'Memory of the process', text: mebibytes, value: (_, after) => sum(after, 'process_resident_memory_bytes')},
];

/** What is shown of each model, since the server started. */
const columns = [
  ['Predictions', count, 'alexnet_predictions_total'],
  ['Waiting', count, 'alexnet_model_queue_depth'],
  ['Reloads', count, 'alexnet_model_reloads_total', ({outcome}) => outcome === 'success'],
  ['Refused', count, 'alexnet_model_reloads_total', ({outcome}) => outcome === 'failure'],
  ['Memory', mebibytes, 'alexnet_model_memory_bytes'],
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
  const most = make('dd', {class: 'most'});
  const chart = make('dd', {class: 'curve'});
  byID('live-tiles').append(make('div', {class: 'tile'}, make('dt', {}, name), value, most, chart));
  return {value, most, chart};
});

async function look() {
  try {
    const reading = {at: performance.now(), samples: parse(await api.metrics())};
    reading.start = sum(reading.samples, 'process_start_time_seconds');
    byID('live-hint').textContent = 'From /metrics, every two seconds while this is on the screen.';
    // Another process counts from 0 again.
    if (previous?.start === reading.start) showTiles(previous, reading);
    showModels(reading.samples);
    previous = reading;
  } catch (error) {
    byID('live-hint').textContent = error.message;
    previous = null;
  }
}

function showTiles(before, after) {
  tiles.forEach(({name, text, value}, index) => {
    const found = value(before.samples, after.samples, (after.at - before.at) / 1000);
    histories[index] = [...histories[index], found].slice(-maxPoints);
    const most = range([histories[index]])?.[1] ?? null;
    const {value: now, most: bound, chart} = views[index];
    now.textContent = found === null ? '–' : text(found);
    bound.textContent = most === null ? '' : `most ${text(most)}`;
    chart.replaceChildren(lineChart([histories[index]], {label: `${name}, the last two minutes`, height: 32, length: maxPoints}));
  });
}

function showModels(samples) {
  const names = samples.filter(({name}) => name === 'alexnet_model_info').map(({labels}) => labels.model).sort();
  const cells = (model) => columns.map(([, text, metric, condition = () => true]) => make('td', {}, text(
    sum(samples, metric, (labels) => labels.model === model && condition(labels)))));
  byID('live-models').replaceChildren(make('table', {class: 'plain'},
    make('caption', {}, 'Models, since the server started'),
    make('thead', {}, make('tr', {}, make('th', {scope: 'col'}, 'Model'), ...columns.map(([name]) => make('th', {scope: 'col'}, name)))),
    make('tbody', {}, ...names.map((model) => make('tr', {}, make('th', {scope: 'row'}, model), ...cells(model))))));
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
