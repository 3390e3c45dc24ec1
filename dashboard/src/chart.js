// ECharts, loaded only by the views that draw with it, in the colours of the page.
import { openSource } from './source.js'
import { h } from './dom.js'

let library = null
const load = () => (library ??= import('./echarts.js').then((module) => module.echarts))

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Colours of the page as it is now. */
export function colours() {
  return {
    ink: css('--ink'),
    soft: css('--ink-2'),
    faint: css('--ink-3'),
    rule: css('--rule'),
    paper: css('--paper'),
    panel: css('--panel'),
    kapok: css('--kapok'),
    river: css('--river'),
    series: [1, 2, 3, 4, 5, 6, 7].map((i) => css(`--series-${i}`)),
    ramp: [1, 2, 3, 4, 5, 6, 7].map((i) => css(`--ramp-${i}`)),
    sans: css('--sans'),
  }
}

const live = new Set()
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) target.chart?.resize()
})

/** Frees the charts that have left the page. */
export function sweep() {
  for (const element of live)
    if (!element.isConnected) {
      element.chart?.dispose()
      watcher.unobserve(element)
      live.delete(element)
    }
}

/**
 * A chart as an element. `option(colours, narrow)` returns the ECharts option; a point whose data
 * item has `source` opens it on click. `label` says in words what the chart shows.
 */
export function chart(option, { height = 340, label }) {
  const element = h('div', { class: 'chart', role: 'img', 'aria-label': label, style: { height: `${height}px` } })
  const draw = async () => {
    const echarts = await load()
    if (!element.isConnected) return
    const instance = echarts.init(element, null, { renderer: 'canvas' })
    element.chart = instance
    const paint = () => {
      const c = colours()
      instance.setOption(framed(option(c, element.clientWidth < 560), c), true)
    }
    paint()
    // At once, not in the next frame: a printer does not wait for one.
    element.repaint = () => {
      paint()
      instance.getZr().flush()
    }
    instance.on('click', (event) => event.data?.source && openSource(event.data.source))
    element.dataset.drawn = 'true'
    live.add(element)
    watcher.observe(element)
  }
  element.mounted = draw
  element.png = async () => {
    const url = element.chart.getDataURL({ type: 'png', pixelRatio: 2, backgroundColor: css('--paper') })
    const bytes = Uint8Array.from(atob(url.split(',')[1]), (character) => character.charCodeAt(0))
    return new Blob([bytes], { type: 'image/png' })
  }
  return element
}

function framed(option, c) {
  return {
    animation: false,
    backgroundColor: 'transparent',
    color: c.series,
    textStyle: { fontFamily: c.sans, color: c.soft, fontSize: 12 },
    aria: { enabled: false },
    ...option,
    tooltip: {
      confine: true,
      backgroundColor: c.panel,
      borderColor: c.rule,
      borderWidth: 1,
      padding: [8, 12],
      textStyle: { color: c.ink, fontFamily: c.sans, fontSize: 12.5 },
      extraCssText: 'box-shadow: 0 6px 24px rgb(0 0 0 / .12); border-radius: 3px;',
      ...option.tooltip,
    },
  }
}

/** Axes as the house draws them: hairlines, no boxes. */
export const axis = (c, extra = {}) => ({
  axisLine: { lineStyle: { color: c.rule } },
  axisTick: { show: false },
  axisLabel: { color: c.faint, fontSize: 11.5, hideOverlap: true },
  splitLine: { lineStyle: { color: c.rule, type: [1, 3] } },
  nameTextStyle: { color: c.faint, fontSize: 11.5, align: 'left', padding: [0, 0, 4, 0] },
  ...extra,
})

/** An axis of years from the first to the last, named at round years and at ends that stand free. */
export function yearAxis(c, years, extra = {}) {
  const from = Math.min(...years)
  const to = Math.max(...years)
  const step = [1, 2, 5, 10].find((one) => (to - from) / one <= 9) ?? 20
  const round = [...Array(to - from + 1).keys()].map((i) => from + i).filter((year) => year % step === 0)
  const free = (year) => round.every((other) => Math.abs(other - year) * 2 > step)
  const written = (year) => round.includes(year) || ((year === from || year === to) && free(year))
  const pad = from === to ? 1 : 0
  return axis(c, {
    type: 'value',
    min: from - pad,
    max: to + pad,
    interval: 1,
    splitLine: { show: false },
    axisLabel: { color: c.faint, fontSize: 11.5, formatter: (year) => (written(year) ? String(year) : '') },
    ...extra,
  })
}

/** A tooltip as elements, never as markup. */
export function tip(title, lines) {
  return h(
    'div',
    { class: 'tip' },
    h('strong', null, title),
    lines.map(([name, value, colour]) =>
      h('div', { class: 'tip-line' }, h('span', { class: 'swatch', vars: { '--c': colour ?? 'transparent' } }), h('span', null, name), h('b', null, value)),
    ),
  )
}
