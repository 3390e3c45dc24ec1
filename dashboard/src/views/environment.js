// Air as published and as recomputed: two facts, side by side.
import { described, groups, has, rows } from '../data.js'
import { axis, chart, tip } from '../chart.js'
import { h, s } from '../dom.js'
import { L, named, number, word } from '../format.js'
import { exportable } from '../geo.js'
import { circleOrder, members, places, published, said } from '../reference.js'
import { controls, figure, gap, heading, missingTable, num, segmented, select, table, tag } from '../ui.js'
import { openSource } from '../source.js'
import { released } from './released.js'

const MEASURES = [
  ['aqi_rate_pct', 'AQI 达标率', 'AQI good-day rate', '%', 1, false],
  ['pm25_ugm3', 'PM2.5', 'PM2.5', 'µg/m³', 0, true],
  ['pm10_ugm3', 'PM10', 'PM10', 'µg/m³', 0, true],
  ['o3_8h_p90_ugm3', 'O₃ 8小时第90百分位', 'O₃ 8-hour, 90th percentile', 'µg/m³', 0, true],
  ['no2_ugm3', 'NO₂', 'NO₂', 'µg/m³', 0, true],
  ['so2_ugm3', 'SO₂', 'SO₂', 'µg/m³', 0, true],
  ['co_p95_mgm3', 'CO 第95百分位', 'CO, 95th percentile', 'mg/m³', 1, true],
  ['composite_index', '综合指数', 'Composite index', '', 2, true],
]

export async function render(params) {
  const head = heading(L('公布值与重算值是两个事实', 'Published and recomputed are two facts'), L('环境', 'Environment'),
    L('空气与地表水：公报的数与按标准重算的数并列；监测网、状态与断面口径不同者不比较。', 'Air and surface water: what the bulletins print beside what the standard makes of it; networks, states and sets of sections are never mixed.'))
  if (!has('air_city_period')) return [head, missingTable('air_city_period', L('城市空气质量。', 'Air quality of cities.'))]
  const [all, placeMap, order, memberMap] = await Promise.all([rows('air_city_period'), places(), circleOrder(), members()])
  const periodOf = (row) => `${row.period_start}/${row.period_end}`
  const periods = [...groups(all, periodOf)].map(([key, list]) => ({ key, list, published: list.filter((r) => r.basis === 'published').length, type: list[0].period_type })).sort((a, b) => b.published - a.published || b.key.localeCompare(a.key))
  const sorted = [...periods].sort((a, b) => b.key.localeCompare(a.key))
  const period = periods.find((p) => p.key === params.period) ?? periods.find((p) => p.published) ?? periods[0]
  const [field, zh, en, unit, digits] = MEASURES.find((m) => m[0] === params.measure) ?? MEASURES[0]
  const basisList = [...new Set(period.list.map((row) => row.basis))]
  const circleId = params.circle ?? 'GZ_PAPER9'
  const inside = new Set((memberMap.get(circleId) ?? []).map((m) => m.place_code))
  const name = (code) => named(placeMap.get(code), 'place_name') || code
  const values = period.list.filter((row) => row[field] !== null)
  const label = L(zh, en)
  const counted = (label, field) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field]), row[field], { ...source(row), title: `${name(row.place_code)} · ${label} · ${periodText(period)}`, value: number(row[field]) }) })
  const source = (row) => ({ kind: 'row', table: 'air_city_period', row, title: `${name(row.place_code)} · ${label} · ${periodText(period)}`, value: `${number(row[field], digits)} ${unit}`, note: row.is_official === false ? said(row.not_official_reason) : null })
  return [
    head,
    controls(
      select('period', L('时期', 'Period'), sorted.map((p) => ({ value: p.key, label: `${periodText(p)} · ${[...new Set(p.list.map((r) => word(r.basis)))].join('＋')}` })), period.key),
      select('measure', L('指标', 'Measure'), MEASURES.filter(([f]) => all.some((row) => row[f] !== null)).map(([f, z, e]) => ({ value: f, label: L(z, e) })), field),
      select('circle', L('突出的圈', 'Circle to mark'), order.filter((c) => c.circle_kind === 'circle').map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })), circleId),
    ),
    values.length
      ? figure({
          id: 'air',
          wide: true,
          title: `${label}${unit ? ` (${unit})` : ''} · ${periodText(period)}`,
          note: L(`实心：公布值；空心：重算值。红色：${named(order.find((c) => c.circle_id === circleId), 'circle_name')}的成员。监测网：${[...new Set(values.map((r) => word(r.network)))].join('、')}。`, `Filled: published. Open: recomputed. Red: members of ${named(order.find((c) => c.circle_id === circleId), 'circle_name')}. Network: ${[...new Set(values.map((r) => word(r.network)))].join(', ')}.`),
          chart: dots(values, field, digits, unit, inside, name, source),
          data: {
            rows: values,
            sortBy: 2,
            descending: true,
            columns: [
              { label: L('城市', 'City'), value: (row) => name(row.place_code) },
              { label: L('依据', 'Basis'), value: (row) => word(row.basis) },
              { label: `${label} ${unit}`, numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field], digits), row[field], source(row)) },
              counted(L('达标天数', 'Good days'), 'good_days'),
              counted(L('有效天数', 'Valid days'), 'valid_days'),
              counted(L('排名（达标率）', 'Rank, rate'), 'aqi_rank'),
              counted(L('排名（PM2.5）', 'Rank, PM2.5'), 'pm25_rank'),
              { label: L('文献', 'Document'), value: (row) => published(row), className: 'soft' },
            ],
          },
        })
      : gap(L('本期没有这项', 'Nothing for this period'), L(`${label} 在 ${periodText(period)} 无数。`, `${label} is not held for ${periodText(period)}.`), basisList.join(', ')),
    await regions(period, order),
    await calendar(params, placeMap),
    await checked(placeMap),
    has('water_area_period')
      ? h('section', null, h('div', { class: 'section-head' }, h('h2', null, L('地表水', 'Surface water')), h('p', null, L('断面口径不同者不比较', 'Sets of sections are never compared'))), await released('water_area_period', { name, limit: 18, columns: ['place_code', 'period_start', 'period_end', 'section_set', 'document', 'sections', 'good_rate_pct', 'good_sections', 'inferior_rate_pct', 'water_index', 'water_index_change_pct', 'water_rank'], labels: { place_code: L('地区', 'Place') } }))
      : missingTable('water_area_period', L('地表水断面与水质达标率。', 'Surface-water sections and their standard.')),
    await records('water_section_class', L('断面水质类别', 'Class of river sections'), L('按 GB 3838-2002 复算，与公布类别并列', 'by GB 3838-2002, beside the published class'), { columns: ['province_raw', 'basin_raw', 'section_raw', 'moment_raw', 'class_published', 'class_river', 'class_lake', 'deciding_items', 'agreement'], limit: 12 }),
    await records('air_hour_check', L('逐时指数核对', 'Hourly indices checked'), L('按 HJ 633-2012 复算', 'recomputed by HJ 633-2012'), { columns: ['document', 'observed_on', 'hour', 'network', 'state', 'indices_published', 'indices_equal', 'indices_different', 'indices_not_computable'], sortBy: 'observed_on', limit: 12 }),
  ]
}

/** Records that only dropped or fetched files bring: nothing is shown where there are none. */
async function records(table, title, text, shown) {
  if (!described(table)?.rows) return null
  return h('section', null, h('div', { class: 'section-head' }, h('h2', null, title), h('p', null, text)), await released(table, shown))
}

const periodText = ({ key, type }) => {
  const [start, end] = key.split('/')
  if (type === 'month') return start.slice(0, 7)
  if (type === 'year') return start.slice(0, 4)
  return `${start} – ${end}`
}

/** One line a city, a dot for each basis, ordered by the published value. */
function dots(values, field, digits, unit, inside, name, source) {
  const of = groups(values, 'place_code')
  const main = (list) => (list.find((row) => row.basis === 'published') ?? list[0])[field]
  const codes = [...of].sort((a, b) => main(a[1]) - main(b[1])).map(([code]) => code)
  return chart((c) => ({
    grid: { left: 8, right: 24, top: 8, bottom: 8, containLabel: true },
    xAxis: axis(c, { type: 'value', scale: true, max: unit === '%' ? 100 : null }),
    yAxis: axis(c, { type: 'category', data: codes, axisLabel: { color: c.soft, interval: 0, formatter: name }, axisLine: { show: false }, splitLine: { show: true, lineStyle: { color: c.rule, type: [1, 3] } } }),
    tooltip: { trigger: 'item', formatter: ({ data }) => tip(name(data.row.place_code), [[word(data.row.basis), `${number(data.row[field], digits)} ${unit}`]]) },
    series: ['recomputed', 'published'].map((basis) => ({
      type: 'scatter',
      name: word(basis),
      symbolSize: basis === 'published' ? 10 : 15,
      data: values.filter((row) => row.basis === basis).map((row) => ({ value: [row[field], row.place_code], row, source: source(row), itemStyle: basis === 'published' ? { color: inside.has(row.place_code) ? c.kapok : c.river } : { color: 'transparent', borderColor: c.faint, borderWidth: 1.3 } })),
    })),
  }), { height: Math.max(240, codes.length * 21 + 40), label: L('各城市的空气质量', 'Air quality of the cities') })
}

const GRADES = [[50, 'var(--ramp-1)', 1], [100, 'var(--ramp-3)', 2], [150, 'var(--series-3)', 3], [200, 'var(--series-2)', 4], [300, 'var(--series-5)', 5], [9999, 'var(--ink)', 6]]
const gradeOf = (aqi) => GRADES.find(([top]) => aqi <= top)

/** A year of days, one square each. */
async function calendar(params, placeMap) {
  const list = await rows('air_city_day_recomputed')
  if (!list.length) return missingTable('air_city_day_recomputed', L('逐日 AQI。', 'Daily AQI.'))
  const cities = [...new Set(list.map((row) => row.place_code))].sort()
  const city = cities.includes(params.city) ? params.city : cities.includes('440100') ? '440100' : cities[0]
  const years = [...new Set(list.filter((row) => row.place_code === city).map((row) => row.observed_on.slice(0, 4)))].sort()
  const year = years.includes(params.airyear) ? params.airyear : years.at(-1)
  const days = list.filter((row) => row.place_code === city && row.observed_on.startsWith(year)).sort((a, b) => a.observed_on.localeCompare(b.observed_on))
  const first = new Date(`${year}-01-01T00:00:00Z`)
  const lead = (first.getUTCDay() + 6) % 7
  const cell = 15
  const name = (code) => named(placeMap.get(code), 'place_name')
  const ofDay = (row) => ({ kind: 'row', table: 'air_city_day_recomputed', row, title: `${name(city)} · ${row.observed_on}`, value: `AQI ${row.aqi ?? row.aqi_published ?? '—'}`, note: row.is_official === false ? said(row.not_official_reason) : null })
  const svg = s('svg', { viewBox: `0 0 ${54 * cell + 30} ${7 * cell + 24}`, class: 'calendar', role: 'img', 'aria-label': L(`${name(city)} ${year} 年逐日 AQI`, `Daily AQI of ${name(city)}, ${year}`) })
  for (const row of days) {
    const at = Math.round((new Date(`${row.observed_on}T00:00:00Z`) - first) / 864e5) + lead
    const value = row.aqi ?? row.aqi_published
    svg.append(s('rect', { x: 26 + Math.floor(at / 7) * cell, y: 18 + (at % 7) * cell, width: cell - 2, height: cell - 2, fill: value === null ? 'none' : gradeOf(value)[1], class: `day ${row.is_official === false ? 'unofficial' : ''}`, onclick: () => openSource(ofDay(row)) },
      s('title', null, `${row.observed_on}  AQI ${value ?? '—'}${row.aqi_published !== null && row.aqi !== null && row.aqi !== row.aqi_published ? ` (${L('公布', 'published')} ${row.aqi_published})` : ''}`)))
  }
  for (let month = 0; month < 12; month++) {
    const at = Math.round((Date.UTC(Number(year), month, 1) - first) / 864e5) + lead
    svg.append(s('text', { x: 26 + Math.ceil(at / 7) * cell, y: 11 }, L(`${month + 1}月`, new Date(Date.UTC(2000, month, 1)).toLocaleString('en', { month: 'short', timeZone: 'UTC' }))))
  }
  return figure({
    id: 'calendar',
    wide: true,
    title: L(`${name(city)} ${year} 年逐日 AQI（重算）`, `Daily AQI of ${name(city)}, ${year}, recomputed`),
    note: L('每格一日；点开看来源与公布值。', 'One square a day; click for its source and the published value.'),
    legend: h('div', { class: 'legend' },
      select('city', L('城市', 'City'), cities.map((code) => ({ value: code, label: name(code) })), city),
      years.length > 1 ? select('airyear', L('年份', 'Year'), years.map((y) => ({ value: y, label: y })), year) : null,
      [['优 ≤50', 'Excellent ≤50'], ['良 ≤100', 'Good ≤100'], ['轻度 ≤150', 'Light ≤150'], ['中度 ≤200', 'Moderate ≤200'], ['重度 ≤300', 'Heavy ≤300'], ['严重 >300', 'Severe >300']].map(([z, e], i) => h('span', null, h('i', { class: 'dot', vars: { '--c': GRADES[i][1] } }), L(z, e)))),
    chart: exportable(h('div', { class: 'scroll plain', tabindex: 0, role: 'region', 'aria-label': L('日历', 'Calendar') }, svg), svg),
    data: {
      rows: days,
      limit: 31,
      columns: [
        { label: L('日期', 'Date'), value: (row) => row.observed_on },
        { label: L('AQI 重算', 'AQI recomputed'), numeric: true, value: (row) => row.aqi, cell: (row) => num(number(row.aqi), row.aqi, ofDay(row)) },
        { label: L('AQI 公布', 'AQI published'), numeric: true, value: (row) => row.aqi_published, cell: (row) => num(number(row.aqi_published), row.aqi_published, ofDay(row)) },
        { label: L('相符', 'Matches'), value: (row) => (row.aqi_matches === null ? '' : row.aqi_matches ? '✓' : '≠') },
        { label: L('首要污染物', 'Primary pollutant'), value: (row) => row.primary_pollutant },
        ...['pm25_ugm3', 'pm10_ugm3', 'so2_ugm3', 'no2_ugm3', 'co_mgm3', 'o3_8h_ugm3'].map((field) => ({ label: field.replace('_ugm3', ' µg/m³').replace('_mgm3', ' mg/m³').replace('_8h', ' 8h').toUpperCase().replace('µG/M³', 'µg/m³').replace('MG/M³', 'mg/m³'), numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field]), row[field], ofDay(row)) })),
      ],
    },
  })
}

/** Printed against recomputed, by measure. */
async function checked(placeMap) {
  const tableName = has('air_reconciliation') ? 'air_reconciliation' : 'air_period_check'
  const list = (await rows(tableName)).map((row) => ({
    ...row,
    document: row.document ?? row.published_document,
    edition: row.edition ?? row.published_edition,
    locator: row.locator ?? row.published_locator,
  }))
  if (!list.length) return missingTable('air_reconciliation', L('公布值与重算值的对照。', 'Published against recomputed.'))
  const name = (code) => named(placeMap.get(code), 'place_name')
  const statuses = [...groups(list, 'status')].sort((a, b) => b[1].length - a[1].length)
  // Whatever could be compared first; what could not says why.
  const rank = (row) => (row.status === 'not_computable' ? 1 : 0)
  const value = (label, field) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field], Number.isInteger(row[field]) ? 0 : 2), row[field], { kind: 'row', table: tableName, row, title: `${name(row.place_code)} · ${word(row.measure)} · ${span(row)}`, note: said(row.cause ?? row.reason) }) })
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('公布与重算的对照', 'Published against recomputed')), h('p', null, statuses.map(([status, of]) => `${word(status)} ${of.length}`).join(' · '))),
    table({
      name: tableName,
      caption: L('公布与重算的对照', 'Published against recomputed'),
      rows: [...list].sort((a, b) => rank(a) - rank(b)),
      limit: 15,
      columns: [
        { label: L('城市', 'City'), value: (row) => name(row.place_code) },
        { label: L('时期', 'Period'), value: span },
        { label: L('指标', 'Measure'), value: (row) => word(row.measure) },
        { label: L('公布于', 'Published in'), value: published, className: 'soft' },
        value(L('公布', 'Published'), 'published_value' in list[0] ? 'published_value' : 'printed_value'),
        value(L('重算', 'Recomputed'), 'recomputed_value'),
        { label: L('判定', 'Verdict'), value: (row) => word(row.status), cell: (row) => tag(word(row.status), { reproduced: 'good', consistent: 'good', mismatch: 'bad', rounding: 'warn' }[row.status] ?? '') },
        { label: L('原因', 'Cause'), value: (row) => said(row.cause ?? row.reason), className: 'reason' },
      ],
    }),
  )
}

const span = (row) => periodText({ key: `${row.period_start}/${row.period_end}`, type: row.period_type })

/** The circles in the period, by the plain mean of their cities and by all their days in one pot. */
async function regions(period, order) {
  if (!has('air_region_period')) return null
  const list = (await rows('air_region_period')).filter((row) => row.period_start === period.list[0].period_start && row.period_end === period.list[0].period_end && row.cities_with_rate + row.cities_with_pm25 > 0)
  if (!list.length) return null
  const circleOf = new Map(order.map((c, i) => [c.circle_id, { ...c, i }]))
  const value = (label, field, digits) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field], digits), row[field], { kind: 'row', table: 'air_region_period', row, title: `${named(circleOf.get(row.circle_id), 'circle_name')} · ${label} · ${span(row)}` }) })
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L(`各圈，${periodText(period)}`, `The circles, ${periodText(period)}`)), h('p', null, L('各市平均与全部天数合并，是两个数', 'the mean of cities and all days in one pot are two numbers'))),
    table({
      name: `air_region_period ${periodText(period)}`,
      caption: L('各圈空气质量', 'Air of the circles'),
      rows: [...list].sort((a, b) => (circleOf.get(a.circle_id)?.i ?? 99) - (circleOf.get(b.circle_id)?.i ?? 99) || a.basis.localeCompare(b.basis)),
      limit: 10,
      columns: [
        { label: L('圈', 'Circle'), value: (row) => named(circleOf.get(row.circle_id), 'circle_name') || row.circle_id },
        { label: L('依据', 'Basis'), value: (row) => word(row.basis), className: 'soft' },
        { label: L('有数城市', 'Cities with data'), value: (row) => `${Math.max(row.cities_with_rate, row.cities_with_pm25)}/${row.members_total}`, cell: (row) => [`${Math.max(row.cities_with_rate, row.cities_with_pm25)}/${row.members_total} `, row.is_partial ? tag(L('不全', 'partial'), 'warn') : null] },
        value(L('达标率，各市平均 %', 'Good-day rate, mean of cities %'), 'aqi_rate_mean_pct', 2),
        value(L('达标率，天数合并 %', 'Good-day rate, days pooled %'), 'aqi_rate_pooled_pct', 2),
        value(L('PM2.5，各市平均 µg/m³', 'PM2.5, mean of cities µg/m³'), 'pm25_mean_ugm3', 2),
        value(L('PM2.5，天数合并 µg/m³', 'PM2.5, days pooled µg/m³'), 'pm25_pooled_ugm3', 2),
      ],
    }),
  )
}
