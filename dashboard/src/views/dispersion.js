// How far apart the members of a circle are, as the release measures it: nothing is measured here.
import { axis, chart, tip, yearAxis } from '../chart.js'
import { groups, has, rows } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, unitText, valueText, word } from '../format.js'
import { indicators, members, places, publishedIn, said } from '../reference.js'
import { span, yearsMissing } from './overview.js'
import { figure, gap, missingTable, num, segmented, select } from '../ui.js'

const TABLE = 'circle_inequality_year'
const MEASURES = {
  max_min_ratio: ['最大最小比', 'Highest over lowest'],
  cv_n: ['变异系数（n）', 'Coefficient of variation, n'],
  cv_n1: ['变异系数（n−1）', 'Coefficient of variation, n−1'],
  cv_circle_n: ['变异系数（圈值为均值，n）', 'CV about the circle’s value, n'],
  cv_circle_n1: ['变异系数（圈值为均值，n−1）', 'CV about the circle’s value, n−1'],
  cv_weighted: ['加权变异系数（Williamson）', 'Weighted CV (Williamson)'],
  theil_t: ['泰尔指数 T', 'Theil T'],
  theil_l: ['泰尔指数 L', 'Theil L'],
  gini_weighted: ['基尼系数（加权）', 'Gini, weighted'],
  gini_simple: ['基尼系数（等权）', 'Gini, each member once'],
}
const measureText = (id) => (MEASURES[id] ? L(...MEASURES[id]) : word(id))

/**
 * Measures of a circle over the years. params: `of` the ratio that is measured, `vintage`. from, to:
 * years shown. printed: rows of printed_figure_check, drawn beside as what a document says. choose:
 * whether the vintage is chosen here.
 */
export async function dispersion(circleId, params, { from = 0, to = 9999, printed = [], choose = true } = {}) {
  if (!has(TABLE))
    return missingTable(TABLE, L('最大最小比、变异系数、基尼、泰尔等：须在单一版次内计算，本页不自行计算。', 'Ratio of extremes, coefficient of variation, Gini, Theil: to be made within one edition; this page does not make them itself.'))
  const [all, indicatorMap, placeMap, memberMap] = await Promise.all([rows(TABLE, { circle_id: { $eq: circleId } }), indicators(), places(), members()])
  const within = all.filter((row) => row.year >= from && row.year <= to && row.value !== null)
  if (!within.length) return gap(L('此圈没有差距指标', 'No measure for this circle'), L('成员的比率指标不全，或少于两个成员。', 'A ratio is missing for some member, or there are fewer than two members.'))
  const held = [...groups(within, 'indicator_id').keys()]
  const id = [params.of, 'gdp_per_capita_year_end', 'gdp_per_capita', held[0]].find((one) => held.includes(one))
  const vintages = [...groups(within.filter((row) => row.indicator_id === id), 'vintage').keys()].sort()
  const vintage = [params.vintage, 'latest', vintages[0]].find((one) => vintages.includes(one))
  const list = within.filter((row) => row.indicator_id === id && row.vintage === vintage).sort((a, b) => a.year - b.year)
  const source = (row) => ({
    kind: 'row',
    table: TABLE,
    row,
    title: `${measureText(row.measure)} · ${named(indicatorMap.get(id), 'name')} · ${row.year}`,
    value: number(row.value, 4),
    note: [word(row.vintage), said(row.detail), publishedIn(row.series) || L('多个版次', 'several editions')].join(' · '),
    more: () => memberValues(row, memberMap.get(circleId) ?? [], placeMap),
  })
  const mark = (pattern) => printed.filter((row) => pattern.test(row.indicator_raw) && row.printed_value !== null)
  const picture = (title, measures, pattern) => {
    const shown = list.filter((row) => measures.includes(row.measure))
    if (!shown.length) return null
    return figure({
      id: `spread-${measures[0]}`,
      title,
      legend: h('div', { class: 'legend' }, measures.map((one, i) => h('span', null, h('i', { vars: { '--c': `var(--series-${i + 1})` } }), measureText(one))), mark(pattern).length ? h('span', null, '◆ ', L('论文所印（可比价格）', 'printed by the paper (comparable prices)')) : null),
      chart: chart((c) => ({
        grid: { left: 8, right: 16, top: 14, bottom: 6, containLabel: true },
        xAxis: yearAxis(c, [...shown, ...mark(pattern).map((row) => ({ year: Number(row.period_text) }))].map((row) => row.year)),
        yAxis: axis(c, { type: 'value', scale: measures.length === 1 }),
        tooltip: { trigger: 'item', formatter: ({ data, color }) => (data.printed ? tip(`${L('论文', 'Paper')} ${data.row.period_text}`, [[data.row.locator, data.row.printed_text]]) : tip(String(data.row.year), [[measureText(data.row.measure), number(data.row.value, 3), color], [data.publishedIn(row.series) || L('混合版次', 'mixed editions'), '']])) },
        series: [
          ...measures.map((one, i) => {
            const points = []
            for (const row of shown.filter((r) => r.measure === one)) {
              const last = points.at(-1)
              if (last && row.year > last.value[0] + 1) points.push({ value: [last.value[0] + 1, null] })
              points.push({ value: [row.year, row.value], row, source: source(row), symbol: row.is_mixed_vintage ? 'emptyCircle' : 'circle', symbolSize: shown.some((other) => Math.abs(other.year - row.year) === 1) ? 6 : 9 })
            }
            return { name: measureText(one), type: 'line', symbolSize: 6, itemStyle: { color: c.series[i] }, lineStyle: { width: 1.8 }, data: points }
          }),
          { type: 'scatter', symbol: 'diamond', symbolSize: 12, z: 5, itemStyle: { color: c.ink }, data: mark(pattern).map((row) => ({ value: [Number(row.period_text), row.printed_value], row, printed: true, source: { kind: 'figure', row } })) },
        ],
      }), { height: 290, label: title }),
      data: {
        rows: shown,
        columns: [
          { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
          { label: L('指标', 'Measure'), value: (row) => measureText(row.measure) },
          { label: L('值', 'Value'), numeric: true, value: (row) => row.value, cell: (row) => num(number(row.value, 3), row.value, source(row)) },
          { label: L('同一版次', 'One edition'), value: (row) => publishedIn(row.series) || L('混合版次', 'mixed'), className: 'soft' },
          { label: L('依据', 'Built on'), value: (row) => said(row.detail), className: 'reason' },
        ],
      },
    })
  }
  const years = list.filter((row) => row.is_mixed_vintage).length
  const absent = to < 9999 ? Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((year) => !list.some((row) => row.year === year)) : []
  return h(
    'div',
    null,
    h('div', { class: 'controls' },
      select('of', L('衡量', 'Of'), held.map((one) => ({ value: one, label: named(indicatorMap.get(one), 'name') })), id),
      choose ? segmented('vintage', L('版本', 'Vintage'), vintages.map((v) => ({ value: v, label: word(v) })), vintage) : null),
    absent.length ? gap(yearsMissing(absent), span(absent), L('须有一个版次含该年全部成员。', 'One edition must hold every member of the year.')) : null,
    years ? h('p', { class: 'note' }, L('空心点：当年各输入不出自同一版次。', 'Hollow: the inputs of the year do not stand in one edition.')) : null,
    h('div', { class: 'figures spaced', 'data-indicator': id, 'data-vintage': vintage },
      picture(L('最大最小比', 'Highest over lowest'), ['max_min_ratio'], /最大值与最小值/),
      picture(L('变异系数、基尼、泰尔', 'Variation, Gini, Theil'), ['cv_n', 'cv_weighted', 'gini_weighted', 'theil_t'], /变异系数/)),
  )
}

/** The members' own values of the year, in the latest vintage. */
async function memberValues(row, own, placeMap) {
  const codes = new Set(own.map((member) => member.place_code))
  const list = (await rows('city_indicator_best', { indicator_id: { $eq: row.indicator_id } })).filter((one) => codes.has(one.place_code) && one.year === row.year && one.value !== null)
  if (!list.length) return null
  return h(
    'section',
    null,
    h('h3', null, L('成员的值（最新版次）', 'The members’ values, latest vintage')),
    h('ul', { class: 'inputs' }, list.sort((a, b) => b.value - a.value).map((one) => h('li', null, `${named(placeMap.get(one.place_code), 'place_name')}  `, num(valueText(one), one.value, { kind: 'city', row: one }), ` ${unitText(one.unit)}`))),
  )
}
