// The trainings in the models directory, also those that still run: their curves.

import * as api from './api.js';
import {byID, count, make, percent} from './dom.js';
import {lineChart, range} from './chart.js';

const interval = 5000;
let shown = '';

const kinds = [
  {key: 'accuracy', title: 'Accuracy', text: percent, fromZero: false},
  {key: 'loss', title: 'Loss', text: (loss) => loss.toFixed(3), fromZero: true},
];
const written = (value, text) => (Number.isFinite(value) ? text(value) : '–');

function chart({key, title, text, fromZero}, name, epochs) {
  const column = (part) => epochs.map((epoch) => epoch[`${part}_${key}`] ?? null);
  const isValidated = column('val').some((value) => value !== null);
  const series = [column('train'), ...(isValidated ? [column('val')] : [])];
  const legend = [['training', 'key'], ['validation', 'key second']].slice(0, series.length)
    .map(([what, style], index) => make('span', {class: style}, `${what} ${written(series[index].at(-1), text)}`));
  const [least, most] = (range(series, fromZero) ?? [null, null]).map((value) => written(value, text));
  return make('figure', {class: 'chart'},
    make('figcaption', {}, make('strong', {}, title), ...legend),
    make('div', {class: 'scaled'}, make('div', {class: 'scale', 'aria-hidden': 'true'}, make('span', {}, most), make('span', {}, least)),
      lineChart(series, {label: `${title} of ${name} by epoch, from ${least} to ${most}`, height: 120, fromZero})));
}

/** The numbers behind the curves, the last epoch first. */
function table(epochs) {
  const columns = [
    ['Epoch', 'epoch', String], ['Training loss', 'train_loss', kinds[1].text], ['Training accuracy', 'train_accuracy', percent],
    ['Validation loss', 'val_loss', kinds[1].text], ['Validation accuracy', 'val_accuracy', percent],
    ['Learning rate', 'learning_rate', (rate) => rate.toPrecision(3)], ['Images a second', 'images_per_second', (rate) => rate.toFixed(0)],
    ['Seconds', 'seconds', (seconds) => seconds.toFixed(0)],
  ];
  return make('div', {class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': 'Epochs'}, make('table', {class: 'plain'},
    make('thead', {}, make('tr', {}, ...columns.map(([title]) => make('th', {scope: 'col'}, title)))),
    make('tbody', {}, ...epochs.toReversed().map((epoch) => make('tr', {},
      ...columns.map(([, key, text]) => make('td', {}, written(epoch[key], text))))))));
}

function view({name, updated_at: updated, epochs}) {
  const validated = epochs.filter((epoch) => Number.isFinite(epoch.val_accuracy));
  const best = validated.reduce((one, other) => (other.val_accuracy > one.val_accuracy ? other : one), validated[0]);
  const facts = [
    count(epochs.length, 'epoch'), `the last at ${new Date(updated).toLocaleString()}`,
    best ? `best validation accuracy ${percent(best.val_accuracy)} in epoch ${best.epoch}` : null,
  ];
  return make('article', {'aria-label': name, 'data-name': name}, make('h3', {}, name),
    make('p', {class: 'facts'}, ...facts.filter(Boolean).map((fact) => make('span', {}, fact))),
    make('div', {class: 'charts'}, ...kinds.map((kind) => chart(kind, name, epochs))),
    make('details', {}, make('summary', {}, 'Numbers'), table(epochs)));
}

async function look() {
  let runs;
  try {
    ({runs} = await api.trainings());
  } catch {
    return;
  }
  runs = runs.filter((run) => run.epochs.length > 0).sort((one, other) => other.updated_at.localeCompare(one.updated_at));
  byID('training').hidden = byID('training-link').hidden = runs.length === 0;
  const text = JSON.stringify(runs);
  if (text === shown) return;
  shown = text;
  const place = byID('training-runs');
  // Numbers that are open stay open while the curve grows, and keep the focus.
  const open = new Set([...place.querySelectorAll('details[open]')].map((details) => details.parentElement.dataset.name));
  const focused = document.activeElement?.closest('#training-runs article')?.dataset.name;
  place.replaceChildren(...runs.map(view));
  for (const article of place.children) {
    if (open.has(article.dataset.name)) article.querySelector('details').open = true;
    if (article.dataset.name === focused) article.querySelector('summary').focus({preventScroll: true});
  }
}

/** Looks at once and then at intervals, while the page can be seen. */
export function start() {
  look();
  setInterval(() => {
    if (!document.hidden) look();
  }, interval);
}
