// Line charts as SVG.

const namespace = 'http://www.w3.org/2000/svg';

function shape(tag, attributes) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The least and the largest value of some series; null if there is none. */
export function range(series, fromZero = true) {
  const numbers = series.flat().filter((value) => Number.isFinite(value));
  return numbers.length === 0 ? null : [fromZero ? 0 : Math.min(...numbers), Math.max(...numbers)];
}

/**
 * A chart of one or two series on the same scale, from the least to the largest of their values, or from 0.
 *
 * @param series lists of numbers; null where there is none.
 * @param label what the chart shows, for those who do not see it.
 * @param length how many values have a place; fewer stand at the right end. As many as there are unless it is given.
 */
export function lineChart(series, {label, height = 40, fromZero = true, length}) {
  const width = 200;
  const chart = shape('svg', {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label});
  chart.style.height = `${height}px`;
  chart.append(shape('line', {x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5, class: 'axis'}));
  const [least, most] = range(series, fromZero) ?? [0, 0];
  series.forEach((values, index) => {
    const placeCount = length ?? values.length;
    const step = width / Math.max(1, placeCount - 1);
    const start = (placeCount - values.length) * step;
    let path = '';
    let isDrawing = false;
    values.forEach((value, place) => {
      if (!Number.isFinite(value)) {
        isDrawing = false;
        return;
      }
      const y = height - 3 - (value - least) / (most - least || 1) * (height - 6);
      path += `${isDrawing ? 'L' : 'M'}${(start + place * step).toFixed(1)} ${y.toFixed(1)}`;
      // A single value is a dot.
      if (!isDrawing && !Number.isFinite(values[place + 1])) path += 'h-2';
      isDrawing = true;
    });
    chart.append(shape('path', {d: path, class: index === 0 ? 'line' : 'line second'}));
  });
  return chart;
}
