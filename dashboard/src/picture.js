// A figure as a picture that stands alone: its title, its key and the release it is drawn from.
import { release } from './data.js'
import { h } from './dom.js'
import { L } from './format.js'

const SCALE = 2
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** The entries of a key: text, colour of its mark (null for none), whether the mark is a dot. */
function entries(legend) {
  return [...(legend?.querySelectorAll(':scope > span') ?? [])].map((item) => {
    const mark = item.querySelector('i')
    return { text: item.textContent.trim(), colour: mark && getComputedStyle(mark).backgroundColor, dot: mark?.classList.contains('dot') }
  })
}

/** chart: a Blob at twice its size; legend: the element beside it, or null. Returns a PNG Blob. */
export async function framed(chart, title, legend) {
  const drawing = await createImageBitmap(chart)
  const pad = 20 * SCALE
  const width = drawing.width + 2 * pad
  const canvas = h('canvas')
  const context = canvas.getContext('2d')
  const font = (size, family, weight = 400) => `${weight} ${size * SCALE}px ${css(family)}`
  // The key, laid out in lines.
  context.font = font(12.5, '--sans')
  const lines = [[]]
  let x = pad
  for (const entry of entries(legend)) {
    const wide = context.measureText(entry.text).width + (entry.colour ? 22 * SCALE : 0)
    if (x + wide > width - pad && lines.at(-1).length) {
      lines.push([])
      x = pad
    }
    lines.at(-1).push({ ...entry, x })
    x += wide + 18 * SCALE
  }
  const keyed = lines.filter((line) => line.length)
  const top = pad + 26 * SCALE + keyed.length * 20 * SCALE
  canvas.width = width
  canvas.height = top + drawing.height + 34 * SCALE
  context.fillStyle = css('--paper')
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.textBaseline = 'top'
  context.fillStyle = css('--ink')
  context.font = font(18, '--serif', 600)
  context.fillText(title, pad, pad - 4 * SCALE, width - 2 * pad)
  context.font = font(12.5, '--sans')
  keyed.forEach((line, i) => {
    const y = pad + 26 * SCALE + i * 20 * SCALE
    for (const { text, colour, dot, x: at } of line) {
      if (colour) {
        context.fillStyle = colour
        if (dot) {
          context.beginPath()
          context.arc(at + 6 * SCALE, y + 7 * SCALE, 4.5 * SCALE, 0, 7)
          context.fill()
        } else context.fillRect(at, y + 5.5 * SCALE, 16 * SCALE, 3 * SCALE)
      }
      context.fillStyle = css('--ink-2')
      context.fillText(text, at + (colour ? 22 * SCALE : 0), y)
    }
  })
  context.drawImage(drawing, pad, top)
  context.font = font(11, '--sans')
  context.fillStyle = css('--ink-3')
  context.fillText(`${L('Metrocircle 都市圈指标库，发布版', 'Metrocircle warehouse, release')} ${release().release_id}  ${decodeURIComponent(location.hash)}`, pad, top + drawing.height + 12 * SCALE, width - 2 * pad)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
}
