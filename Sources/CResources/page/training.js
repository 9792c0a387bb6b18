// The trainings in the models directory, also those that still run: their curves.

import * as api from './api.js';
import {byID, count, make, percent} from './dom.js';
import {lineChart} from './chart.js';

const interval = 5000;
let shown = '';

function caption(text, first, second) {
  return make('figcaption', {}, text, make('span', {class: 'key'}, first), second ? make('span', {class: 'key second'}, second) : null);
}

function view({name, updated_at: updated, epochs}) {
  const last = epochs.at(-1);
  const column = (key) => epochs.map((epoch) => epoch[key] ?? null);
  const hasValidation = column('val_accuracy').some((value) => value !== null);
  const accuracy = hasValidation ? last.val_accuracy : last.train_accuracy;
  const series = (kind) => [column(`train_${kind}`), ...(hasValidation ? [column(`val_${kind}`)] : [])];
  const best = Math.max(...column(hasValidation ? 'val_accuracy' : 'train_accuracy').filter((value) => value !== null));
  return make('article', {'aria-label': name},
    make('h3', {}, name),
    make('p', {class: 'facts'}, `${count(epochs.length, 'epoch')}, the last at ${new Date(updated).toLocaleString()}. Accuracy ${accuracy === null ? '–' : percent(accuracy)}${Number.isFinite(best) ? `, best ${percent(best)}` : ''}.`),
    make('div', {class: 'charts'}, ...['accuracy', 'loss'].map((kind) => make('figure', {class: 'chart'},
      caption(kind === 'accuracy' ? 'Accuracy' : 'Loss', 'training', hasValidation ? 'validation' : null),
      lineChart(series(kind), {label: `${kind} of ${name} by epoch`, height: 90, fromZero: kind === 'loss'})))));
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
  byID('training-runs').replaceChildren(...runs.map(view));
}

/** Looks at once and then at intervals, while the page can be seen. */
export function start() {
  look();
  setInterval(() => {
    if (!document.hidden) look();
  }, interval);
}
