// Line charts as SVG.

const namespace = 'http://www.w3.org/2000/svg';

function shape(tag, attributes) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * A chart of one or two series on the same scale, from the least to the largest of their values, or from 0.
 *
 * @param series lists of numbers; null where there is none.
 * @param label what the chart shows, for those who do not see it.
 */
export function lineChart(series, {label, height = 40, fromZero = true}) {
  const width = 200;
  const chart = shape('svg', {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label});
  chart.style.height = `${height}px`;
  chart.append(shape('line', {x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5, class: 'axis'}));
  const numbers = series.flat().filter((value) => Number.isFinite(value));
  if (numbers.length === 0) return chart;
  const least = fromZero ? 0 : Math.min(...numbers);
  const range = Math.max(...numbers) - least || 1;
  series.forEach((values, index) => {
    const step = width / Math.max(1, values.length - 1);
    let path = '';
    let isDrawing = false;
    values.forEach((value, place) => {
      if (!Number.isFinite(value)) {
        isDrawing = false;
        return;
      }
      const y = height - 3 - (value - least) / range * (height - 6);
      path += `${isDrawing ? 'L' : 'M'}${(place * step).toFixed(1)} ${y.toFixed(1)}`;
      // A single value is a dot.
      if (!isDrawing && !Number.isFinite(values[place + 1])) path += `h2`;
      isDrawing = true;
    });
    chart.append(shape('path', {d: path, class: index === 0 ? 'line' : 'line second'}));
  });
  return chart;
}
