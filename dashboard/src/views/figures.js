// The paper's figures 1, 2, 4, 5 and 6, redrawn from the release as far as its data allow.
import { axis, chart, tip, yearAxis } from '../chart.js'
import { groups, rows } from '../data.js'
import { h } from '../dom.js'
import { L, digitsOf, named, number, unitText, valueText, word } from '../format.js'
import { indicators, members, places, published, said } from '../reference.js'
import { linkTo } from '../state.js'
import { controls, figure, gap, heading, num, segmented } from '../ui.js'
import { dispersion } from './dispersion.js'
import { span, yearsMissing } from './overview.js'
import { economicLinks } from './links.js'
import { checks } from './reproduction.js'

const PAPER = 'gz_circle_paper'
const CIRCLE = 'GZ_PAPER9'

export async function render(params) {
  const [all, indicatorMap, memberMap, placeMap, printed] = await Promise.all([
    rows('circle_indicator_year', { circle_id: { $eq: CIRCLE } }), indicators(), members(), places(), rows('printed_figure_check'),
  ])
  const vintages = [...new Set(all.map((row) => row.vintage))].sort()
  const vintage = vintages.includes(params.vintage) ? params.vintage : vintages.includes('as_of:2022') ? 'as_of:2022' : vintages[0]
  const ofPaper = printed.filter((row) => row.document === PAPER)
  const context = { all, vintage, params, indicatorMap, placeMap, ofPaper, codes: (memberMap.get(CIRCLE) ?? []).map((m) => m.place_code), name: (code) => named(placeMap.get(code), 'place_name') }
  return [
    heading(L('图像里的数只剩文中几处', 'The figures are pictures: few of their values survive in print'), L('论文图重绘', 'The paper’s figures, redrawn'),
      L('用发布版的数据重画图 1、2、4、5、6；◆ 为论文文字中印出的数。画不出来的，写明缺什么。图 3 是夜间灯光影像，不重绘。', 'Figures 1, 2, 4, 5 and 6 from the data of the release; ◆ marks what the paper prints in its text. What cannot be drawn says what is missing. Figure 3 is a night-light image and is not redrawn.')),
    controls(segmented('vintage', L('版本', 'Vintage'), vintages.map((v) => ({ value: v, label: word(v) })), vintage)),
    h('div', { class: 'figures' }, one(context), two(context)),
    await four(context),
    await five(context),
    await six(context),
  ]
}

const pick = (context, ...ids) => context.all.filter((row) => row.vintage === context.vintage && ids.includes(row.indicator_id) && row.value !== null)

/** Values that the paper prints for an indicator of its circle, by year. */
const printedFor = (context, ids) =>
  [...groups(context.ofPaper.filter((row) => row.circle_id === CIRCLE && ids.includes(row.indicator_id) && row.printed_value !== null && /^\d{4}$/.test(row.period_text)), 'figure_id').values()]
    .map((list) => list.find((row) => row.vintage === context.vintage) ?? list[0])

const absent = (list, from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((year) => !list.some((row) => row.year === year))

const missing = (years) => (years.length ? gap(yearsMissing(years), span(years)) : null)

const circleTable = (list, indicatorMap) => ({
  rows: [...list].sort((a, b) => a.indicator_id.localeCompare(b.indicator_id) || a.year - b.year),
  columns: [
    { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
    { label: L('指标', 'Indicator'), value: (row) => named(indicatorMap.get(row.indicator_id), 'name') },
    { label: L('值', 'Value'), numeric: true, value: (row) => row.value, cell: (row) => num(valueText(row), row.value, { kind: 'circle', row }) },
    { label: L('单位', 'Unit'), value: (row) => unitText(row.unit), className: 'soft' },
    { label: L('版次', 'Editions'), value: (row) => (row.edition_min === row.edition_max ? row.edition_min : `${row.edition_min}–${row.edition_max}`) },
  ],
})

/** Figure 1: GDP of the circle and its share of the province, 2010 to 2021. */
function one(context) {
  const within = (row) => row.year >= 2010 && row.year <= 2021
  const gdp = pick(context, 'gdp').filter(within)
  const share = pick(context, 'gdp_share_of_province').filter(within)
  const marks = printedFor(context, ['gdp'])
  const shareMarks = printedFor(context, ['gdp_share_of_province'])
  const printedTip = (data) => tip(`${L('论文', 'Paper')} ${data.row.period_text}`, [[data.row.locator, data.row.printed_text]])
  return h(
    'div',
    null,
    figure({
      id: 'fig1',
      level: 2,
      title: L('图 1　地区生产总值及其占全省比重，2010–2021', 'Figure 1. GDP and its share of the province, 2010–2021'),
      note: word(context.vintage),
      legend: h('div', { class: 'legend' }, h('span', null, h('i', { class: 'dot', vars: { '--c': 'var(--ramp-4)' } }), L('GDP（亿元，左）', 'GDP (¥100m, left)')), h('span', null, h('i', { vars: { '--c': 'var(--series-2)' } }), L('占全省 %（右）', 'Share % (right)')), h('span', null, '◆ ', L('论文所印', 'as the paper prints'))),
      chart: chart((c) => ({
        grid: { left: 8, right: 8, top: 16, bottom: 6, containLabel: true },
        xAxis: yearAxis(c, [2010, 2021], { min: 2010 - 1, max: 2021 + 1 }),
        yAxis: [axis(c, { type: 'value' }), axis(c, { type: 'value', min: 50, max: 62, splitLine: { show: false } })],
        tooltip: { trigger: 'item', formatter: ({ data, color }) => (data.printed ? printedTip(data) : tip(String(data.row.year), [[data.row.unit === '%' ? L('占全省', 'Share') : 'GDP', `${valueText(data.row)} ${unitText(data.row.unit)}`, color]])) },
        series: [
          { type: 'bar', barWidth: '52%', itemStyle: { color: c.ramp[3] }, data: gdp.map((row) => ({ value: [row.year, row.value], row, source: { kind: 'circle', row } })) },
          { type: 'line', yAxisIndex: 1, symbol: 'circle', symbolSize: 6, itemStyle: { color: c.series[1] }, lineStyle: { width: 2 }, data: broken(share) },
          { type: 'scatter', symbol: 'diamond', symbolSize: 11, z: 5, itemStyle: { color: c.ink }, data: marks.map((row) => ({ value: [Number(row.period_text), row.printed_value], row, printed: true, source: { kind: 'figure', row } })) },
          { type: 'scatter', yAxisIndex: 1, symbol: 'diamond', symbolSize: 11, z: 5, itemStyle: { color: c.series[1], borderColor: c.paper, borderWidth: 1 }, data: shareMarks.map((row) => ({ value: [Number(row.period_text), row.printed_value], row, printed: true, source: { kind: 'figure', row } })) },
        ],
      }), { height: 330, label: L('图 1 重绘', 'Figure 1 redrawn') }),
      data: circleTable([...gdp, ...share], context.indicatorMap),
    }),
    missing(absent(gdp, 2010, 2021)),
    share.length < 12 ? h('p', { class: 'note' }, L(`占比缺 ${span(absent(share, 2010, 2021))}：成员与全省须同版次，否则拒算。`, `Share missing for ${span(absent(share, 2010, 2021))}: members and province must stand in one edition, else it is refused.`)) : null,
  )
}

/** Points of a line, with a hole where a year is missing. */
function broken(list) {
  const points = []
  for (const row of [...list].sort((a, b) => a.year - b.year)) {
    const last = points.at(-1)
    if (last && row.year > last.value[0] + 1) points.push({ value: [last.value[0] + 1, null] })
    points.push({ value: [row.year, row.value], row, source: { kind: 'circle', row } })
  }
  return points
}

/** Figure 2: urbanisation of the circle, 2000 to 2021. */
function two(context) {
  const ids = ['urbanisation_rate', 'urbanisation_rate_year_end']
  const list = pick(context, ...ids).filter((row) => row.year >= 2000 && row.year <= 2021)
  // The census values are the same under every vintage that holds them.
  const census = list.length ? list : context.all.filter((row) => ids.includes(row.indicator_id) && row.value !== null && row.year >= 2000 && row.year <= 2021 && row.vintage === 'latest')
  const marks = printedFor(context, ids)
  return h(
    'div',
    null,
    figure({
      id: 'fig2',
      level: 2,
      title: L('图 2　常住人口城镇化率，2000–2021', 'Figure 2. Urbanisation, 2000–2021'),
      note: L('普查与年末口径分开画；论文逐年连线，本库只有普查年与一个年末值。', 'Census and year-end rates are drawn apart. The paper joins every year; we hold the census years and one year end.'),
      legend: h('div', { class: 'legend' }, h('span', null, h('i', { class: 'dot', vars: { '--c': 'var(--series-1)' } }), L('普查', 'Census')), h('span', null, h('i', { class: 'dot', vars: { '--c': 'var(--series-3)' } }), L('年末', 'Year end')), h('span', null, '◆ ', L('论文所印', 'as the paper prints'))),
      chart: chart((c) => ({
        grid: { left: 8, right: 16, top: 16, bottom: 6, containLabel: true },
        xAxis: yearAxis(c, [2000, 2021], { min: 2000 - 1, max: 2021 + 1 }),
        yAxis: axis(c, { type: 'value', min: 55, max: 90 }),
        tooltip: { trigger: 'item', formatter: ({ data, color }) => (data.printed ? tip(`${L('论文', 'Paper')} ${data.row.period_text}`, [[data.row.locator, data.row.printed_text]]) : tip(String(data.row.year), [[named(context.indicatorMap.get(data.row.indicator_id), 'name'), `${valueText(data.row)} %`, color]])) },
        series: [
          ...ids.map((id, i) => ({ type: 'scatter', symbolSize: 12, itemStyle: { color: c.series[i * 2] }, data: census.filter((row) => row.indicator_id === id).map((row) => ({ value: [row.year, row.value], row, source: { kind: 'circle', row } })) })),
          { type: 'scatter', symbol: 'diamond', symbolSize: 12, z: 5, itemStyle: { color: c.ink }, data: marks.map((row) => ({ value: [Number(row.period_text), row.printed_value], row, printed: true, source: { kind: 'figure', row } })) },
        ],
      }), { height: 330, label: L('图 2 重绘', 'Figure 2 redrawn') }),
      data: circleTable(census, context.indicatorMap),
    }),
    missing(absent(census, 2000, 2021)),
  )
}

/** Figure 4: the network: trains on one day, and economic links where the release has them. */
async function four(context) {
  const head = (text) => h('div', { class: 'section-head' }, h('h2', null, L('图 4　空间网络', 'Figure 4. The network')), h('p', null, text))
  const days = await rows('rail_service_day')
  const dated = days.find((day) => day.service_date === '2023-05-01')
  const day = dated ?? days.find((d) => d.day_type === 'public_holiday') ?? days[0]
  const parts = []
  if (day) {
    const pairs = (await rows('rail_city_pair_day', { service_date: { $eq: new Date(`${day.service_date}T00:00:00Z`) } })).filter((row) => row.place_level === 'prefecture' && context.codes.includes(row.origin_code) && context.codes.includes(row.destination_code))
    const both = [...groups(pairs, (row) => [row.origin_code, row.destination_code].sort().join(' ')).values()]
      .map((list) => ({ list, trains: list.reduce((sum, row) => sum + row.direct_trains, 0), label: [list[0].origin_code, list[0].destination_code].sort().map(context.name).join(' – ') }))
      .sort((a, b) => b.trains - a.trains)
    parts.push(
      dated ? null : h('p', { class: 'note' }, L(`论文用 2023-05-01（法定假日）的 12306 时刻；此发布版没有那一天，这里是 ${day.service_date}（${word(day.day_type)}）。论文据此说“2010～2021 年不断密切”，一天的时刻表不能支持一个趋势。`, `The paper uses 12306 as of 2023-05-01, a public holiday; this release has no such day and shows ${day.service_date} (${word(day.day_type)}). The paper infers a trend for 2010–2021 from it; one day’s timetable cannot carry a trend.`)),
      figure({
        id: 'fig4',
        title: L(`九市之间的直达列车，${day.service_date}，两方向之和`, `Direct trains among the nine cities, ${day.service_date}, both directions`),
        chart: chart((c, narrow) => ({
          grid: { left: 8, right: 40, top: 4, bottom: 4, containLabel: true },
          xAxis: axis(c, { type: 'value' }),
          yAxis: axis(c, { type: 'category', data: both.slice(0, narrow ? 12 : 18).map((pair) => pair.label), inverse: true, axisLine: { show: false }, axisLabel: { color: c.soft, fontSize: 11.5 } }),
          tooltip: { trigger: 'item', formatter: ({ data }) => tip(data.pair.label, data.pair.list.map((row) => [`${context.name(row.origin_code)} → ${context.name(row.destination_code)}`, String(row.direct_trains)])) },
          series: [{ type: 'bar', barWidth: '62%', itemStyle: { color: c.ramp[4] }, label: { show: true, position: 'right', color: c.soft }, data: both.slice(0, narrow ? 12 : 18).map((pair) => ({ value: pair.trains, pair, source: { kind: 'row', table: 'rail_city_pair_day', row: { ...pair.list[0], document: pair.list[0].timetable, edition: day.service_date }, title: pair.label, value: `${pair.trains} ${L('趟（两方向）', 'trains, both directions')}` } })) }],
        }), { height: 380, label: L('九市之间的直达列车', 'Direct trains among the nine cities') }),
        data: {
          rows: pairs,
          sortBy: 2,
          descending: true,
          columns: [
            { label: L('出发', 'From'), value: (row) => context.name(row.origin_code) },
            { label: L('到达', 'To'), value: (row) => context.name(row.destination_code) },
            { label: L('直达车次', 'Direct trains'), numeric: true, value: (row) => row.direct_trains, cell: (row) => num(number(row.direct_trains), row.direct_trains, { kind: 'row', table: 'rail_city_pair_day', row: { ...row, document: row.timetable, edition: row.service_date }, title: `${context.name(row.origin_code)} → ${context.name(row.destination_code)}` }) },
          ],
        },
      }),
      h('p', null, h('a', { href: linkTo('rail', { day: day.service_date, scope: 'circle', circle: CIRCLE }) }, L('在铁路网络页看地图 →', 'See it on the map →'))),
    )
  }
  parts.push(h('h3', null, L('经济联系（引力模型）', 'Economic links (gravity)')), await economicLinks(CIRCLE, context.params, context.name, 2021))
  return h('section', null, head(L('交通联系与经济联系', 'Transport and economic links')), ...parts)
}

/** Figure 5: ratio of urban to rural income, 2014 to 2021. */
async function five(context) {
  const id = ['urban_rural_income_ratio'].find((i) => context.indicatorMap.has(i))
  const list = id ? (await rows('city_indicator_best', { indicator_id: { $eq: id } })).filter((row) => row.value !== null && (context.codes.includes(row.place_code) || row.place_code === '440000')) : []
  const wanted = [...context.codes, '440000']
  const held = new Set(list.map((row) => row.place_code))
  const without = wanted.filter((code) => !held.has(code))
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('图 5　城乡收入比，2014–2021', 'Figure 5. Urban to rural income, 2014–2021')), h('p', null, L(`${wanted.length} 个地区中 ${held.size} 个有数`, `${held.size} of ${wanted.length} places held`))),
    list.length
      ? figure({
          id: 'fig5',
          title: named(context.indicatorMap.get(id), 'name'),
          chart: chart((c) => ({
            grid: { left: 8, right: 66, top: 16, bottom: 6, containLabel: true },
            xAxis: yearAxis(c, list.map((row) => row.year)),
            yAxis: axis(c, { type: 'value', scale: true }),
            tooltip: { trigger: 'item', formatter: ({ data, color }) => tip(`${context.name(data.row.place_code)} ${data.row.year}`, [[published(data.row), valueText(data.row), color]]) },
            series: [...groups(list, 'place_code')].map(([code, of], i) => ({ name: context.name(code), type: 'line', symbol: 'circle', symbolSize: 6, itemStyle: { color: code === '440000' ? c.ink : c.series[i % 7] }, lineStyle: { width: code === '440000' ? 2.4 : 1.4 }, endLabel: { show: true, formatter: '{a}', color: c.soft }, data: [...of].sort((a, b) => a.year - b.year).map((row) => ({ value: [row.year, row.value], row, source: { kind: 'city', row } })) })),
          }), { height: 330, label: L('图 5 重绘', 'Figure 5 redrawn') }),
          data: {
            rows: list,
            columns: [
              { label: L('地区', 'Place'), value: (row) => context.name(row.place_code) },
              { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
              { label: L('比值', 'Ratio'), numeric: true, value: (row) => row.value, cell: (row) => num(number(row.value, digitsOf(row.value, row.value_low, row.value_high, 3)), row.value, { kind: 'city', row }) },
            ],
          },
        })
      : null,
    without.length
      ? gap(L('画不全：缺城乡收入', 'Cannot be drawn in full: incomes are missing'), L(`没有数的地区：${without.map(context.name).join('、')}。`, `Without a value: ${without.map(context.name).join(', ')}.`), L(`可补自：${said(context.indicatorMap.get('rural_disposable_income_per_capita')?.would_be_filled_by) || '—'}。论文称各市“均低于广东”，须九市齐全方可检验。`, `Would be filled by: ${said(context.indicatorMap.get('rural_disposable_income_per_capita')?.would_be_filled_by) || '—'}. The paper’s claim that all stay below the province needs all nine.`))
      : null,
  )
}

/** Figure 6: ratio of extremes and coefficient of variation of GDP per head, 2010 to 2021. */
async function six(context) {
  const printed = context.ofPaper.filter((row) => /最大值与最小值|变异系数/.test(row.indicator_raw))
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('图 6　地区差距，2010–2021', 'Figure 6. Regional gap, 2010–2021')), h('p', null, L('论文按可比价格；此处为现价，不可直接相比', 'The paper’s are at comparable prices, these at current prices: not the same measure'))),
    await dispersion(CIRCLE, { ...context.params, vintage: context.vintage }, { from: 2010, to: 2021, printed, choose: false }),
    printed.length ? [h('h3', null, L('论文印出的四个数', 'The four numbers that the paper prints')), checks(printed, context.indicatorMap, 12)] : null,
  )
}
