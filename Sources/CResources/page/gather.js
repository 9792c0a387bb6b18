// Where images come from: chosen, dropped, pasted or photographed; one, many, or a folder of them.

import {byID} from './dom.js';

const suffixes = /\.(jpe?g|jfif|png|webp)$/i;

/** An image, and the folders that it lies in, the innermost last: one may be the name of its class. */
const item = (file, path) => ({file, name: file.name || 'image', folders: path.split('/').slice(0, -1)});

/** Of a whole folder only what looks like an image counts; single files are taken as they are. */
const isImage = (file) => file.type.startsWith('image/') || suffixes.test(file.name);

async function entriesOf(directory) {
  const reader = directory.createReader();
  const all = [];
  // The browser hands out a hundred at a time.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (isImage(file)) found.push(item(file, `${path}${entry.name}`));
    return;
  }
  for (const child of await entriesOf(entry)) await walk(child, `${path}${entry.name}/`, found);
}

async function dropped(transfer) {
  // The entries have to be taken before the first wait: the transfer is empty afterwards.
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (!entries.some((entry) => entry.isDirectory)) return files.map((file) => item(file, file.name));
  const found = [];
  for (const entry of entries) await walk(entry, '', found);
  return found;
}

/** Calls `take` with the images that people give, and `fail` with why there are none. */
export function gather(take, fail) {
  for (const button of document.querySelectorAll('[data-opens]')) {
    button.addEventListener('click', () => byID(button.dataset.opens).click());
  }
  // Only devices that are touched have a camera worth a button.
  byID('camera-button').hidden = !matchMedia('(pointer: coarse)').matches;
  for (const id of ['files', 'camera']) {
    byID(id).addEventListener('change', (event) => {
      take([...event.target.files].map((file) => item(file, file.name)));
      event.target.value = '';
    });
  }
  byID('folder').addEventListener('change', (event) => {
    const images = [...event.target.files].filter(isImage).map((file) => item(file, file.webkitRelativePath || file.name));
    event.target.value = '';
    if (images.length === 0) fail('The folder holds no JPEG, PNG or WebP image.');
    else take(images);
  });
  const mark = (isOver) => document.body.classList.toggle('over', isOver);
  document.addEventListener('dragenter', (event) => {
    event.preventDefault();
    if (event.dataTransfer?.types.includes('Files')) mark(true);
  });
  document.addEventListener('dragleave', (event) => {
    // It leaves the window if it enters nothing else.
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    mark(false);
    try {
      const images = await dropped(event.dataTransfer);
      if (images.length === 0) fail('What was dropped holds no JPEG, PNG or WebP image.');
      else take(images);
    } catch {
      fail('What was dropped could not be read.');
    }
  });
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files.map((file) => item(file, file.name)));
  });
}
