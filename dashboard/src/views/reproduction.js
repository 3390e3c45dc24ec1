// Does it reproduce? Every printed figure, the value recomputed under each vintage, the verdict.
import { groups, has, rows } from '../data.js'
import { h, s } from '../dom.js'
import { L, digitsOf, named, number, unitText, word } from '../format.js'
import { documents, indicators, said } from '../reference.js'
import { change } from '../state.js'
import { controls, heading, num, segmented, select, table, tag } from '../ui.js'
import { released } from './released.js'

export const STATUS = ['reproduced', 'consistent', 'internally_consistent', 'rounding', 'mismatch', 'not_computable']
export const COLOUR = { reproduced: 'var(--series-1)', consistent: 'var(--series-6)', internally_consistent: 'var(--series-4)', rounding: 'var(--series-3)', mismatch: 'var(--series-2)', not_computable: 'var(--rule-2)' }
const vintageText = (vintage) => (vintage === 'none' ? L('未重算', 'None made') : word(vintage))

const MEANING = () => ({
  reproduced: L('我们的整个区间落在印刷区间内', 'our whole interval lies inside the printed one'),
  consistent: L('两个区间相交', 'the intervals overlap'),
  internally_consistent: L('由同一文献的其他数字得出', 'made of other figures of the same document'),
  rounding: L('至多差印刷末位一个单位', 'off by at most one last printed unit'),
  mismatch: L('不符', 'they differ'),
  not_computable: L('缺少所需的输入', 'an input is missing'),
})

export async function render(params) {
  const [all, indicatorMap, docs] = await Promise.all([rows('printed_figure_check'), indicators(), documents()])
  const nameOf = (id) => named(docs.find((d) => d.document === id), 'name') || id
  const documentList = [...groups(all, 'document').keys()].sort()
  const vintageList = [...groups(all, 'vintage').keys()].sort()
  const inScope = all.filter((row) => (!params.document || row.document === params.document) && (!params.vintage || row.vintage === params.vintage))
  // One verdict a figure: the best that any vintage reaches.
  const figures = [...groups(inScope, 'figure_id')].map(([, list]) => [...list].sort((a, b) => STATUS.indexOf(a.status) - STATUS.indexOf(b.status))[0])
  const counted = params.count === 'checks' ? inScope : figures
  const tally = STATUS.map((status) => ({ status, n: counted.filter((row) => row.status === status).length })).filter((t) => t.n)
  const shown = counted
    .filter((row) => !params.status || row.status === params.status)
    .sort((a, b) => STATUS.indexOf(a.status) - STATUS.indexOf(b.status) || a.figure_id.localeCompare(b.figure_id))
  const meaning = MEANING()
  return [
    heading(L('印刷数字对照重算', 'Printed against recomputed'), L('复现报告', 'Reproduction report'),
      L('论文与三个规划里的每个印刷数字，在每个版本下重算一次，按区间比较。', 'Every number that the paper and the plans print, recomputed under each vintage and compared by interval.')),
    controls(
      select('document', L('文献', 'Document'), [{ value: '', label: L('全部', 'All') }, ...documentList.map((d) => ({ value: d, label: nameOf(d) }))], params.document ?? ''),
      select('vintage', L('版本', 'Vintage'), [{ value: '', label: L('全部', 'All') }, ...vintageList.map((v) => ({ value: v, label: vintageText(v) }))], params.vintage ?? ''),
      segmented('count', L('计数', 'Count'), [{ value: 'figures', label: L('数字（取最好的判定）', 'Figures, best verdict') }, { value: 'checks', label: L('每次对照', 'Every check') }], params.count === 'checks' ? 'checks' : 'figures'),
    ),
    h(
      'section',
      { 'aria-label': L('判定', 'Verdicts') },
      h('div', { class: 'tally', 'aria-hidden': 'true' }, tally.map((t) => h('i', { vars: { '--n': String(t.n), '--c': COLOUR[t.status] } }))),
      h('div', { class: 'tally-keys' }, tally.map((t) =>
        h('button', { type: 'button', id: `status-${t.status}`, 'data-status': t.status, 'aria-pressed': String(params.status === t.status), title: meaning[t.status], onclick: () => change({ status: params.status === t.status ? null : t.status }) },
          h('i', { vars: { '--c': COLOUR[t.status] } }), h('b', null, String(t.n)), h('span', null, word(t.status))))),
      h('p', { class: 'note' }, tally.map((t) => `${word(t.status)}${L('：', ': ')}${meaning[t.status]}`).join(L('；', '; ')) + L('。', '.')),
    ),
    checks(shown, indicatorMap),
    has('document_check')
      ? h('section', null, h('div', { class: 'section-head' }, h('h2', null, L('文献内部的自洽', 'Whether the documents agree with themselves'))), await released('document_check', { limit: 12 }))
      : null,
  ]
}

export function checks(list, indicatorMap, limit = 40) {
  return table({
    name: L('复现报告', 'reproduction'),
    caption: L('印刷数字与重算值', 'Printed figures and recomputed values'),
    rows: list,
    limit,
    columns: [
      { label: L('编号', 'Id'), value: (row) => row.figure_id, cell: (row) => h('code', null, row.figure_id) },
      { label: L('地区', 'Place'), value: (row) => row.place_raw },
      { label: L('指标', 'Indicator'), value: (row) => row.indicator_raw, cell: (row) => h('span', { title: named(indicatorMap.get(row.indicator_id), 'name') }, row.indicator_raw), className: 'narrow' },
      { label: L('时期', 'Period'), value: (row) => row.period_text },
      { label: L('印刷值', 'Printed'), numeric: true, value: (row) => row.printed_value, cell: (row) => num(row.printed_text, row.printed_value ?? row.printed_text, { kind: 'figure', row }), sort: (row) => row.printed_value },
      { label: L('重算值', 'Recomputed'), numeric: true, value: (row) => row.computed_value, cell: (row) => (row.computed_value === null ? h('span', { class: 'none' }, '—') : num(number(row.computed_value, computedDigits(row)), row.computed_value, { kind: 'figure', row })) },
      { label: L('单位', 'Unit'), value: (row) => unitText(row.unit), className: 'soft' },
      { label: L('区间对照', 'Intervals'), value: (row) => `${row.interval_low ?? ''} ${row.interval_high ?? ''}`, cell: glyph },
      { label: L('版本', 'Vintage'), value: (row) => vintageText(row.vintage), className: 'soft' },
      { label: L('判定', 'Verdict'), value: (row) => word(row.status), cell: (row) => tag(word(row.status), { reproduced: 'good', consistent: 'good', mismatch: 'bad', rounding: 'warn' }[row.status] ?? '') },
      { label: L('理由', 'Reason'), value: (row) => said(row.reason), className: 'reason' },
    ],
  })
}

/** A count is whole; anything else shows a decimal at least, and no more than its bounds carry. */
const computedDigits = (row) =>
  Number.isInteger(row.computed_value) && row.computed_low === row.computed_high ? 0 : Math.max(digitsOf(row.computed_value, row.computed_low, row.computed_high, 4), 1)

/** The printed interval as a band, ours as a bar over it. */
function glyph(row) {
  if (row.computed_value === null || row.interval_low === null || row.interval_high === null) return h('span', { class: 'none' }, '')
  const low = Math.min(row.interval_low, row.computed_low ?? row.computed_value)
  const high = Math.max(row.interval_high, row.computed_high ?? row.computed_value)
  const pad = (high - low || Math.abs(high) || 1) * 0.12
  const x = (value) => (180 * (value - low + pad)) / (high - low + 2 * pad)
  const a = x(row.computed_low ?? row.computed_value)
  const b = x(row.computed_high ?? row.computed_value)
  return s('svg', { viewBox: '0 0 180 22', class: 'strip-glyph', role: 'img', 'aria-label': word(row.status) },
    s('rect', { class: 'printed', x: x(row.interval_low), y: 4, width: Math.max(2, x(row.interval_high) - x(row.interval_low)), height: 14 }),
    row.printed_value !== null ? s('line', { class: 'printed-line', x1: x(row.printed_value), x2: x(row.printed_value), y1: 3, y2: 19 }) : null,
    s('g', { vars: { '--c': COLOUR[row.status] } }, s('line', { class: 'made', x1: a, x2: Math.max(b, a + 1), y1: 11, y2: 11 }), s('circle', { class: 'made-dot', cx: x(row.computed_value), cy: 11, r: 3.4 })),
  ) // prettier-ignore
}
