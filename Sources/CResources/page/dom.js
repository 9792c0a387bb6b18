// Small helpers to build the page. Text is always set as text: names of files and classes come from strangers.

/** The element with an identifier. */
export const byID = (id) => document.getElementById(id);

/** Makes an element: attributes, `class`, and listeners such as `onclick`; then its children, elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const percents = new Intl.NumberFormat('en', {style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1});
const counts = new Intl.NumberFormat('en');

/** A share from 0 to 1 as text. What is not quite nothing or everything does not read like it. */
export function percent(share) {
  if (share > 0 && share < 0.0005) return '<0.1%';
  if (share < 1 && share >= 0.9995) return '>99.9%';
  return percents.format(share);
}

/** A whole number as text, with what it counts. */
export const count = (number, noun, plural = `${noun}s`) => counts.format(number) + (noun ? ` ${number === 1 ? noun : plural}` : '');

/** Lets the browser save text as a file. */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
  make('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function csv(rows) {
  const cell = (value) => {
    let text = value === undefined || value === null ? '' : String(value);
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

const notice = byID('notice');
let hiding;

/** Tells something in the line above everything: until it is dismissed, or for some seconds. */
export function tell(text, {isBad = false, seconds = 0} = {}) {
  clearTimeout(hiding);
  notice.classList.toggle('bad', isBad);
  notice.hidden = false;
  byID('notice-text').textContent = text;
  if (seconds > 0) hiding = setTimeout(dismiss, 1000 * seconds);
}

function dismiss() {
  notice.hidden = true;
  byID('notice-text').textContent = '';
}

byID('notice-dismiss').addEventListener('click', dismiss);
