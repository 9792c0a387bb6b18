// Compares the answers with the folders that the images lie in: accuracy, confusion matrix, the worst mistakes.

import {byID, count, csv, make, percent, save} from './dom.js';

/** The largest confusion matrix that is drawn. */
const maxClasses = 40;
const maxMistakes = 12;
/** How many folders that match no class are named. */
const maxNames = 12;

/** Names of folders and classes are compared without case, and `_`, `-` and spaces are alike. */
const key = (name) => name.toLowerCase().replace(/[\s_-]+/g, ' ').trim();

/**
 * Evaluates images that lie in folders.
 *
 * @param labels the names of the model's classes as far as they are known.
 * @param classCount how many classes the model has.
 * @returns null if no image lies in a folder that could be meant as a class.
 */
export function evaluate(images, labels, classCount = 0) {
  const known = new Map([...labels].map((label) => [key(label), label]));
  for (const image of images) for (const {class: label} of image.answer?.top ?? []) known.set(key(label), label);
  const judged = [];
  const unknown = new Set();
  let failedCount = 0;
  for (const image of images) {
    if (image.folders.length === 0) continue;
    // The innermost folder that is named like a class.
    const folder = image.folders.findLast((name) => known.has(key(name)));
    if (folder === undefined) unknown.add(image.folders.at(-1));
    else if (image.answer) judged.push({image, truth: known.get(key(folder)), found: image.answer.class});
    else failedCount += 1;
  }
  // A folder of any images is no set of classes.
  if (judged.length === 0) return unknown.size > 1 ? {unknown: [...unknown].sort(), classes: []} : null;
  const classes = [...new Set(judged.map(({truth}) => truth))].sort();
  const columns = [...new Set([...classes, ...judged.map(({found}) => found)])].sort();
  const matrix = new Map(classes.map((truth) => [truth, new Map()]));
  for (const {truth, found} of judged) matrix.get(truth).set(found, (matrix.get(truth).get(found) ?? 0) + 1);
  const mistakes = judged.filter(({truth, found}) => truth !== found)
    .sort((one, other) => other.image.answer.probability - one.image.answer.probability);
  const inTop = judged.filter(({image, truth}) => image.answer.top.some((one) => one.class === truth));
  const listed = judged[0].image.answer.top.length;
  return {
    classes, columns, matrix, mistakes, failedCount, listed, unknown: [...unknown].sort(), total: judged.length,
    accuracy: 1 - mistakes.length / judged.length, topAccuracy: classCount > listed ? inTop.length / judged.length : null,
  };
}

const cell = (result, truth, found) => result.matrix.get(truth)?.get(found) ?? 0;
const rowTotal = (result, truth) => [...result.matrix.get(truth).values()].reduce((sum, value) => sum + value, 0);
const columnTotal = (result, found) => result.classes.reduce((sum, truth) => sum + cell(result, truth, found), 0);

/** Shows an evaluation; nothing if there is none. */
export function show(result, why) {
  const panel = byID('evaluation');
  panel.hidden = result === null;
  if (result === null) return panel.replaceChildren();
  if (result.classes.length === 0) {
    return panel.replaceChildren(make('h2', {}, 'Evaluation by folders'),
      make('p', {class: 'hint'}, `None of the folders is named like a class of the model: ${names(result.unknown)}.`));
  }
  const figure = (value, what) => make('div', {}, make('dt', {}, what), make('dd', {}, value));
  const leftOut = [
    result.unknown.length > 0 ? `Left out, since no class of the model has this name: ${names(result.unknown)}.` : null,
    result.failedCount > 0 ? `Left out without an answer: ${count(result.failedCount, 'image')}.` : null,
  ].filter(Boolean);
  panel.replaceChildren(...[
    make('h2', {}, 'Evaluation by folders'),
    make('dl', {class: 'figures'}, ...[
      figure(percent(result.accuracy), 'Accuracy'),
      result.topAccuracy === null ? null : figure(percent(result.topAccuracy), `Among the top ${result.listed}`),
      figure(count(result.total), 'Images'),
      figure(count(result.mistakes.length), 'Mistakes'),
    ].filter(Boolean)),
    ...leftOut.map((text) => make('p', {class: 'hint'}, text)),
    make('div', {class: 'tables'}, classTable(result), result.columns.length <= maxClasses
      ? matrixTable(result) : make('p', {class: 'hint'}, 'The confusion matrix is too large to show; it is in the CSV.')),
    make('p', {}, make('button', {type: 'button', class: 'small', onclick: () => save('confusion.csv', matrixCSV(result))}, 'Download matrix as CSV')),
    ...mistakeList(result, why),
  ]);
}

function names(all) {
  const rest = all.length - maxNames;
  return all.slice(0, maxNames).join(', ') + (rest > 0 ? ` and ${count(rest)} more` : '');
}

const scrollable = (label, ...children) => make('div', {class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': label}, ...children);
const heading = (text, attributes = {}) => make('th', {scope: 'col', ...attributes}, text);

/** Of each class: recall (of its images, how many are found) and precision (of the answers, how many are right). */
function classTable(result) {
  const share = (part, whole) => (whole > 0 ? percent(part / whole) : '–');
  return scrollable('Classes', make('table', {class: 'plain'},
    make('caption', {}, 'Each class'),
    make('thead', {}, make('tr', {}, ...['Class', 'Images', 'Recall', 'Precision'].map((text) => heading(text)))),
    make('tbody', {}, ...result.classes.map((truth) => make('tr', {}, make('th', {scope: 'row'}, truth),
      make('td', {}, count(rowTotal(result, truth))),
      make('td', {}, share(cell(result, truth, truth), rowTotal(result, truth))),
      make('td', {}, share(cell(result, truth, truth), columnTotal(result, truth))))))));
}

function matrixTable(result) {
  const rows = result.classes.map((truth) => make('tr', {}, make('th', {scope: 'row'}, truth), ...result.columns.map((found) => {
    const number = cell(result, truth, found);
    const tint = make('span', {class: truth === found ? 'tint right' : 'tint', 'aria-hidden': 'true'});
    tint.style.opacity = 0.75 * number / rowTotal(result, truth);
    return make('td', {class: number === 0 ? 'shade zero' : 'shade'}, tint, make('span', {class: 'count'}, count(number)));
  })));
  return scrollable('Confusion matrix', make('table', {class: 'matrix'},
    make('caption', {}, 'Confusion matrix: a row for each folder, a column for each answer'),
    make('thead', {}, make('tr', {}, make('td', {}), ...result.columns.map((name) => heading(name)))),
    make('tbody', {}, ...rows)));
}

function mistakeList(result, why) {
  if (result.mistakes.length === 0) return [];
  return [make('h3', {}, 'The worst mistakes'), make('ul', {class: 'mistakes'}, ...result.mistakes.slice(0, maxMistakes).map(({image, truth, found}) => make('li', {},
    make('img', {src: image.url ??= URL.createObjectURL(image.file), alt: image.name}),
    make('p', {}, make('strong', {}, found), ` ${percent(image.answer.probability)}`),
    make('p', {class: 'hint'}, `It is ${truth}`),
    make('button', {
      type: 'button', class: 'small', onclick: () => why(image, image.answer.index), 'aria-label': `Why? ${found}, ${image.name}`,
    }, 'Why?'))))];
}

const matrixCSV = (result) => csv([
  ['folder', ...result.columns], ...result.classes.map((truth) => [truth, ...result.columns.map((found) => cell(result, truth, found))]),
]);
