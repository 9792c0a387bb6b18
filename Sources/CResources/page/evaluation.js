// Compares the answers with the folders that the images lie in: accuracy, confusion matrix, the worst mistakes.

import {byID, count, csv, make, percent, save} from './dom.js';

/** The largest confusion matrix that is drawn. */
const maxClasses = 40;

/** Names of folders and classes are compared without case, and `_`, `-` and spaces are alike. */
const key = (name) => name.toLowerCase().replace(/[\s_-]+/g, ' ').trim();

/**
 * Evaluates images that lie in folders.
 *
 * @param labels the names of the model's classes as far as they are known.
 * @returns null unless at least two folders are named like classes.
 */
export function evaluate(images, labels) {
  const known = new Map([...labels].map((label) => [key(label), label]));
  for (const image of images) for (const {class: label} of image.answer?.top ?? []) known.set(key(label), label);
  const judged = [];
  const unknown = new Set();
  for (const image of images) {
    if (!image.folder || !image.answer) continue;
    const truth = known.get(key(image.folder));
    if (truth === undefined) unknown.add(image.folder);
    else judged.push({image, truth, found: image.answer.class});
  }
  const classes = [...new Set(judged.map(({truth}) => truth))].sort();
  if (classes.length < 2) return null;
  const columns = [...new Set([...classes, ...judged.map(({found}) => found)])].sort();
  const matrix = new Map(classes.map((truth) => [truth, new Map()]));
  for (const {truth, found} of judged) matrix.get(truth).set(found, (matrix.get(truth).get(found) ?? 0) + 1);
  const right = judged.filter(({truth, found}) => truth === found);
  const inTop = judged.filter(({image, truth}) => image.answer.top.some((one) => one.class === truth));
  const mistakes = judged.filter(({truth, found}) => truth !== found)
    .sort((one, other) => other.image.answer.probability - one.image.answer.probability);
  return {
    classes, columns, matrix, mistakes, unknown: [...unknown].sort(), total: judged.length, listed: judged[0].image.answer.top.length,
    accuracy: right.length / judged.length, topAccuracy: inTop.length / judged.length,
  };
}

const cell = (result, truth, found) => result.matrix.get(truth).get(found) ?? 0;
const rowTotal = (result, truth) => [...result.matrix.get(truth).values()].reduce((sum, value) => sum + value, 0);

/** Shows an evaluation; nothing if there is none. */
export function show(result, why) {
  const panel = byID('evaluation');
  panel.hidden = result === null;
  if (result === null) return panel.replaceChildren();
  const figure = (value, what) => make('div', {}, make('span', {class: 'value'}, value), make('span', {class: 'what'}, what));
  const figures = make('div', {class: 'figures'},
    figure(percent(result.accuracy), `accuracy on ${count(result.total, 'image')}`),
    result.listed < result.columns.length || result.columns.length > 5
      ? figure(percent(result.topAccuracy), `in the top ${result.listed}`) : null,
    figure(count(result.mistakes.length), result.mistakes.length === 1 ? 'mistake' : 'mistakes'));
  panel.replaceChildren(...[
    make('h2', {}, 'Evaluation by folders'), figures,
    result.unknown.length > 0
      ? make('p', {class: 'hint'}, `Left out, since no answer names such a class: ${result.unknown.join(', ')}.`) : null,
    result.columns.length <= maxClasses ? table(result) : make('p', {class: 'hint'}, 'The confusion matrix is too large to show; save it as CSV.'),
    make('p', {}, make('button', {type: 'button', class: 'small', onclick: () => save('confusion.csv', matrixCSV(result))}, 'Save the matrix as CSV')),
    ...mistakeList(result, why),
  ].filter(Boolean));
}

function table(result) {
  const largest = Math.max(...result.classes.map((truth) => rowTotal(result, truth)));
  const rows = result.classes.map((truth) => make('tr', {},
    make('th', {scope: 'row'}, truth),
    ...result.columns.map((found) => {
      const number = cell(result, truth, found);
      const tint = make('span', {class: 'tint', 'aria-hidden': 'true'});
      tint.style.opacity = 0.6 * Math.sqrt(number / largest);
      return make('td', {class: 'shade'}, tint, make('span', {class: 'count'}, String(number)));
    }),
    make('td', {}, percent(cell(result, truth, truth) / rowTotal(result, truth)))));
  return make('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Confusion matrix'}, make('table', {},
    make('caption', {}, 'Rows: the folder. Columns: the answer.'),
    make('thead', {}, make('tr', {}, make('td', {}), ...result.columns.map((name) => make('th', {scope: 'col'}, name)), make('th', {scope: 'col'}, 'right'))),
    make('tbody', {}, ...rows)));
}

function mistakeList(result, why) {
  if (result.mistakes.length === 0) return [];
  return [make('h3', {}, 'The worst mistakes'), make('ul', {class: 'mistakes'}, ...result.mistakes.slice(0, 12).map(({image, truth, found}) => make('li', {},
    make('img', {src: image.url ??= URL.createObjectURL(image.file), alt: image.name}),
    make('p', {}, `${found}, ${percent(image.answer.probability)}; it is ${truth}. `, make('button', {
      type: 'button', class: 'small', onclick: () => why(image, image.answer.index), 'aria-label': `Why ${found}? ${image.name}`,
    }, 'Why?')))))];
}

const matrixCSV = (result) => csv([
  ['folder', ...result.columns], ...result.classes.map((truth) => [truth, ...result.columns.map((found) => cell(result, truth, found))]),
]);
