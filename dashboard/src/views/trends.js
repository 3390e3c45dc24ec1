// The course of an indicator, with what each edition said of each year.
import { groups, has, rows } from '../data.js'
import { axis, chart, tip, yearAxis } from '../chart.js'
import { h } from '../dom.js'
import { L, digitsOf, named, number, percent, unitText, valueText, word } from '../format.js'
import { circleOrder, definition, indicators, places, publication, published, said } from '../reference.js'
import { change } from '../state.js'
import { controls, figure, gap, heading, num, segmented, select, table } from '../ui.js'
import { released } from './released.js'

const DOMAINS = ['economy', 'population', 'land', 'innovation', 'income', 'finance', 'trade', 'environment']
const MOST = 7

export async function render(params) {
  const [indicatorMap, placeMap, order] = await Promise.all([indicators(), places(), circleOrder()])
  const id = indicatorMap.has(params.indicator) ? params.indicator : 'gdp'
  const indicator = indicatorMap.get(id)
  const facts = (await rows('city_indicator_year', { indicator_id: { $eq: id } })).filter((row) => row.value !== null && row.place_code.startsWith('44'))
  const level = params.level === 'county' ? 'county' : 'prefecture'
  const levelOf = (code) => placeMap.get(code)?.place_level
  // Whole city, districts: scopes of cities. Counties and the province have one scope each.
  const scopes = [...new Set(facts.filter((row) => levelOf(row.place_code) === level).map((row) => row.scope))].sort((a, b) => (b === 'whole_city') - (a === 'whole_city'))
  const scope = scopes.includes(params.scope) ? params.scope : scopes[0]
  const cities = [...groups(facts.filter((row) => row.scope === scope || levelOf(row.place_code) === 'province'), 'place_code')]
  const codes = cities.map(([code]) => code).filter((code) => (placeMap.get(code)?.place_level === level || code === '440000')).sort()
  const asked = params.places !== undefined ? params.places.split('.').filter(Boolean) : level === 'county' ? codes.filter((c) => c !== '440000').slice(0, 4) : ['440100', '440300', '440600', '441900']
  const chosen = asked.filter((code) => codes.includes(code)).slice(0, MOST)
  const best = params.vintage === 'first' ? 'is_first_published' : 'is_latest'
  const unit = unitText(indicator.unit)
  const of = new Map(chosen.map((code) => [code, facts.filter((row) => row.place_code === code && (row.scope === scope || levelOf(code) === 'province')).sort((a, b) => a.year - b.year || String(a.published_on).localeCompare(String(b.published_on)))]))
  const revisions = (await rows('revision')).filter((row) => row.indicator_id === id && (!chosen.length || chosen.includes(row.place_code)) && (row.scope === scope || levelOf(row.place_code) === 'province'))

  const options = DOMAINS.map((domain) => ({ label: word(domain), options: [...indicatorMap.values()].filter((i) => i.domain === domain).map((i) => ({ value: i.indicator_id, label: named(i, 'name') })) })).filter((g) => g.options.length)
  const name = (code) => named(placeMap.get(code), 'place_name')
  return [
    heading(L('同一年，不同版次说法不同', 'Editions disagree about the same year'), L('趋势与修订', 'Trends and revisions'),
      L('实线为所选口径的序列，小点为其他版次对同一年的数值；缺年不连线。', 'The line is the chosen series; small dots are what other editions said of the same year. A missing year breaks the line.')),
    controls(
      select('indicator', L('指标', 'Indicator'), options, id),
      segmented('vintage', L('序列', 'Series'), [{ value: 'latest', label: L('最新修订', 'Latest revision') }, { value: 'first', label: L('首次发布', 'First published') }], params.vintage === 'first' ? 'first' : 'latest'),
      segmented('level', L('层级', 'Level'), [{ value: 'prefecture', label: L('地级市', 'Cities'), also: { places: null } }, { value: 'county', label: L('县区', 'Counties'), also: { places: null } }], level),
      scopes.length > 1 ? segmented('scope', L('口径', 'Scope'), scopes.map((value) => ({ value, label: word(value) })), scope) : null,
    ),
    codes.length
      ? h(
          'fieldset',
          { class: 'segmented' },
          h('legend', null, L(`地区（至多 ${MOST} 个）`, `Places (at most ${MOST})`)),
          h('div', { class: 'checks' }, codes.map((code) =>
            h('label', null, h('input', { type: 'checkbox', id: `p-${code}`, checked: chosen.includes(code), disabled: !chosen.includes(code) && chosen.length >= MOST, onchange: (event) => change({ places: (event.target.checked ? [...chosen, code] : chosen.filter((c) => c !== code)).join('.') }) }), name(code) || code))),
        )
      : null,
    facts.length
      ? figure({
          id: 'trend',
          wide: true,
          title: `${named(indicator, 'name')}${unit ? ` (${unit})` : ''}`,
          note: definition(indicator),
          legend: h('div', { class: 'legend' }, chosen.map((code, i) => h('span', null, h('i', { vars: { '--c': `var(--series-${(i % 7) + 1})` } }), name(code)))),
          chart: lines(chosen, of, best, name, indicator),
          data: {
            rows: chosen.flatMap((code) => of.get(code)),
            columns: [
              { label: L('地区', 'Place'), value: (row) => name(row.place_code) },
              { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
              { label: L('值', 'Value'), numeric: true, value: (row) => row.value, cell: (row) => num(valueText(row, 4), row.value, { kind: 'city', row }) },
              { label: L('文献', 'Document'), value: (row) => publication(row.document), className: 'soft' },
              { label: L('版次', 'Edition'), value: (row) => row.edition },
              { label: L('印刷值', 'As printed'), value: (row) => (row.value_text ? `${row.value_text} ${row.unit_raw}` : said(row.method)), className: 'soft' },
              { label: L('地位', 'Standing'), value: (row) => [row.is_first_published && L('首次发布', 'first published'), row.is_latest && L('最新', 'latest')].filter(Boolean).join(L('、', ', ')) },
            ],
          },
        })
      : gap(L('没有这个指标的城市数值', 'No city has this indicator'), indicator.would_be_filled_by ? L(`可补自：${said(indicator.would_be_filled_by)}`, `It would be filled by: ${indicator.would_be_filled_by}`) : ''),
    await circleLines(id, indicator, order, params),
    await growth(params, id),
    revisions.length
      ? h(
          'section',
          null,
          h('div', { class: 'section-head' }, h('h2', null, L('修订', 'Revisions')), h('p', null, L(`${revisions.length} 次超出印刷精度的改动`, `${revisions.length} changes beyond the printed precision`))),
          revisionChart(revisions, chosen, name, facts),
          table({
            name: `${L('修订', 'revisions')} ${id}`,
            caption: L('修订', 'Revisions'),
            rows: [...revisions].sort((a, b) => Math.abs(b.relative_change) - Math.abs(a.relative_change)),
            limit: 15,
            columns: [
              { label: L('地区', 'Place'), value: (row) => name(row.place_code) },
              { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
              { label: L('原版次', 'From'), value: (row) => publication(row.from_document, row.from_edition), className: 'soft' },
              { label: L('原值', 'Old'), numeric: true, value: (row) => row.old_value, cell: (row) => num(number(row.old_value, digitsOf(row.old_value)), row.old_value, revised(row, 'from', facts)) },
              { label: L('新版次', 'To'), value: (row) => publication(row.to_document, row.to_edition), className: 'soft' },
              { label: L('新值', 'New'), numeric: true, value: (row) => row.new_value, cell: (row) => num(number(row.new_value, digitsOf(row.new_value)), row.new_value, revised(row, 'to', facts)) },
              { label: L('相对变化', 'Change'), numeric: true, value: (row) => row.relative_change, cell: (row) => num((row.relative_change > 0 ? '+' : '') + percent(row.relative_change, 2), row.relative_change, { kind: 'row', table: 'revision', row, title: `${name(row.place_code)} · ${named(indicator, 'name')} · ${row.year}`, value: percent(row.relative_change, 2) }) },
            ],
          }),
        )
      : null,
  ]
}

/** How far later editions moved the value of each year, as the release says it. */
function revisionChart(revisions, chosen, name, facts) {
  return figure({
    id: 'revision-chart',
    title: L('后来的版次把当年数值改动了多少', 'How far later editions moved the value of a year'),
    note: L('每点一次修订，相对原值；同一年可有多次。', 'One dot a revision, relative to the old value; a year may be revised more than once.'),
    legend: h('div', { class: 'legend' }, chosen.map((code, i) => h('span', null, h('i', { class: 'dot', vars: { '--c': `var(--series-${(i % 7) + 1})` } }), name(code)))),
    chart: chart((c) => ({
      grid: { left: 12, right: 18, top: 16, bottom: 8, containLabel: true },
      xAxis: yearAxis(c, revisions.map((row) => row.year)),
      yAxis: axis(c, { type: 'value', axisLabel: { color: c.faint, fontSize: 11.5, formatter: (value) => `${value > 0 ? '+' : ''}${number(value, 0)}%` } }),
      tooltip: { trigger: 'item', formatter: ({ data, seriesName }) => tip(`${seriesName} ${data.row.year}`, [[publication(data.row.from_document, data.row.from_edition), number(data.row.old_value, digitsOf(data.row.old_value))], [publication(data.row.to_document, data.row.to_edition), number(data.row.new_value, digitsOf(data.row.new_value))]]) },
      series: [
        ...chosen.map((code, i) => ({
          name: name(code),
          type: 'scatter',
          symbolSize: 9,
          itemStyle: { color: c.series[i % c.series.length], opacity: 0.85 },
          data: revisions.filter((row) => row.place_code === code).map((row) => ({ value: [row.year, 100 * row.relative_change], row, source: revised(row, 'to', facts) })),
        })),
        { type: 'line', data: [], markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: c.ink, type: 'solid', width: 1 }, data: [{ yAxis: 0 }] } },
      ],
    }), { height: 260, label: L('修订幅度', 'Size of the revisions') }),
  })
}

/** The fact that one end of a revision names. */
function revised(row, end, facts) {
  const fact = facts.find((f) => f.place_code === row.place_code && f.year === row.year && f.scope === row.scope && f.document === row[`${end}_document`] && f.edition === row[`${end}_edition`])
  return fact ? { kind: 'city', row: fact } : { kind: 'row', table: 'revision', row }
}

/** A year without neighbours: no line touches it, so its dot is drawn larger. */
const alone = (list, row) => !list.some((other) => Math.abs(other.year - row.year) === 1)

function lines(chosen, of, best, name, indicator) {
  return chart((c, narrow) => {
    const series = []
    chosen.forEach((code, i) => {
      const colour = c.series[i % c.series.length]
      const list = of.get(code)
      const main = list.filter((row) => row[best])
      const points = []
      for (const row of main) {
        const last = points.at(-1)
        if (last && row.year > last.value[0] + 1) points.push({ value: [last.value[0] + 1, null] })
        points.push({ value: [row.year, row.value], source: { kind: 'city', row }, row, symbolSize: alone(main, row) ? 9 : row.status === 'preliminary' ? 7 : 4.5 })
      }
      series.push({ name: name(code), type: 'line', data: points, symbol: 'circle', symbolSize: 4.5, lineStyle: { width: 2, color: colour }, itemStyle: { color: colour }, connectNulls: false, emphasis: { scale: 1.8 }, z: 3 })
      series.push({ name: name(code), type: 'scatter', data: list.filter((row) => !row[best]).map((row) => ({ value: [row.year, row.value], source: { kind: 'city', row }, row })), symbol: 'circle', symbolSize: 6, itemStyle: { color: 'transparent', borderColor: colour, borderWidth: 1, opacity: 0.8 }, z: 2 })
    })
    return {
      grid: { left: 12, right: 18, top: 20, bottom: 8, containLabel: true },
      xAxis: yearAxis(c, chosen.flatMap((code) => of.get(code)).map((row) => row.year)),
      yAxis: axis(c, { type: 'value', scale: indicator.unit === '%' || indicator.unit === '上年=100', splitNumber: narrow ? 4 : 6 }),
      tooltip: { trigger: 'item', formatter: ({ data, color, seriesName }) => (data.row ? tip(`${seriesName} ${data.row.year}`, [[published(data.row), `${valueText(data.row, 4)} ${unitText(data.row.unit)}`, color]]) : '') },
      series,
    }
  }, { height: 420, label: L(`${named(indicator, 'name')}的历年走势`, `Course of ${named(indicator, 'name')} over the years`) })
}

/** The same indicator for a circle under its vintages. */
async function circleLines(id, indicator, order, params) {
  const circleId = params.circle ?? 'GZ_PAPER9'
  const list = (await rows('circle_indicator_year', { circle_id: { $eq: circleId } })).filter((row) => row.indicator_id === id && row.value !== null && !row.is_partial)
  const byVintage = [...groups(list, 'vintage')].sort(([a], [b]) => a.localeCompare(b))
  const picker = select('circle', L('圈', 'Circle'), order.map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })), circleId)
  const head = h('div', { class: 'section-head' }, h('h2', null, L('圈域合计，逐版本', 'The circle, vintage by vintage')), picker)
  if (!list.length) return h('section', null, head, gap(L('此圈没有可汇总的数值', 'This circle has no complete value'), L('该指标不汇总，或成员不全。', 'The indicator is not aggregated, or members are missing.')))
  return h(
    'section',
    null,
    head,
    figure({
      id: 'circle-trend',
      title: `${named(order.find((c) => c.circle_id === circleId), 'circle_name')} · ${named(indicator, 'name')}`,
      note: L('首次发布的水平序列跨越版次：不得以其水平之比作增速。', 'A first-published level series crosses editions: never a growth rate from a ratio of its levels.'),
      legend: h('div', { class: 'legend' }, byVintage.map(([vintage], i) => h('span', null, h('i', { vars: { '--c': `var(--series-${i + 1})` } }), word(vintage)))),
      chart: chart((c) => ({
        grid: { left: 12, right: 18, top: 20, bottom: 8, containLabel: true },
        xAxis: yearAxis(c, list.map((row) => row.year)),
        yAxis: axis(c, { type: 'value', scale: indicator.unit === '%' }),
        tooltip: { trigger: 'item', formatter: ({ data, color }) => (data.row ? tip(`${word(data.row.vintage)} ${data.row.year}`, [[L('值', 'Value'), `${valueText(data.row)} ${unitText(data.row.unit)}`, color]]) : '') },
        series: byVintage.map(([vintage, of], i) => {
          const points = []
          for (const row of [...of].sort((a, b) => a.year - b.year)) {
            const last = points.at(-1)
            if (last && row.year > last.value[0] + 1) points.push({ value: [last.value[0] + 1, null] })
            points.push({ value: [row.year, row.value], row, source: { kind: 'circle', row }, symbol: row.is_mixed_vintage ? 'emptyCircle' : 'circle', symbolSize: alone(of, row) ? 9 : 5 })
          }
          return { name: word(vintage), type: 'line', data: points, symbolSize: 5, lineStyle: { width: 1.8, color: c.series[i] }, itemStyle: { color: c.series[i] } }
        }),
      }), { height: 320, label: L('圈域合计的历年走势', 'Course of the circle’s value') }),
      data: {
        rows: list,
        columns: [
          { label: L('版本', 'Vintage'), value: (row) => word(row.vintage) },
          { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
          { label: L('值', 'Value'), numeric: true, value: (row) => row.value, cell: (row) => num(valueText(row), row.value, { kind: 'circle', row }) },
          { label: L('单位', 'Unit'), value: (row) => unitText(row.unit), className: 'soft' },
          { label: L('版次', 'Editions'), value: (row) => (row.edition_min === row.edition_max ? row.edition_min : `${row.edition_min}–${row.edition_max}`) },
          { label: L('提示', 'Cautions'), value: (row) => [row.is_mixed_vintage && L('混合版次', 'mixed vintages'), row.is_estimate && L('含估计', 'estimate')].filter(Boolean).join(' ') },
        ],
      },
    }),
  )
}

/** Mean growth at comparable prices over spans of years, chained from printed rates. */
async function growth(params, id) {
  if (!has('circle_growth_span') || !/^gdp|value_added|growth/.test(id)) return null
  const circleId = params.circle ?? 'GZ_PAPER9'
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('可比价增速', 'Growth at comparable prices')), h('p', null, L('由印刷的逐年增速链式得出，从不以水平之比', 'chained from the printed rates, never a ratio of levels'))),
    await released('circle_growth_span', { where: { circle_id: { $eq: circleId } }, columns: ['circle_id', 'indicator_id', 'vintage', 'year_from', 'year_to', 'mean_pct', 'known_mean_pct', 'lowest_pct', 'highest_pct', 'years_known', 'years_total', 'years_missing', 'is_preliminary'], limit: 15 }),
  )
}
