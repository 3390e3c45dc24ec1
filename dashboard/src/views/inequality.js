// How far apart the members are: the values themselves, and the measures that the release has.
import { axis, chart, tip, yearAxis } from '../chart.js'
import { groups, has, rows } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, unitText, valueText } from '../format.js'
import { circleOrder, definition, indicators, members, places, published, said } from '../reference.js'
import { controls, figure, gap, heading, num, segmented, select, table } from '../ui.js'
import { dispersion } from './dispersion.js'
import { released } from './released.js'

const CANDIDATES = ['gdp_per_capita', 'disposable_income_per_capita', 'urban_disposable_income_per_capita', 'rural_disposable_income_per_capita', 'average_wage', 'gdp_density', 'urbanisation_rate', 'fiscal_self_sufficiency', 'rd_intensity', 'population_density']

export async function render(params) {
  const [order, memberMap, indicatorMap, placeMap] = await Promise.all([circleOrder(), members(), indicators(), places()])
  const circleId = params.circle ?? 'GZ_PAPER9'
  const id = CANDIDATES.includes(params.indicator) ? params.indicator : 'gdp_per_capita'
  const indicator = indicatorMap.get(id)
  const own = (memberMap.get(circleId) ?? []).map((m) => m.place_code)
  const list = (await rows('city_indicator_best', { indicator_id: { $eq: id } })).filter((row) => own.includes(row.place_code) && row.value !== null)
  const name = (code) => named(placeMap.get(code), 'place_name')
  return [
    heading(L('成员之间相差多远', 'How far apart the members are'), L('差距', 'Inequality'),
      L('先看各成员的原值，再看差距指标。跨版次的差距指标不计算。', 'First the members’ own values, then the measures. No measure is made across editions.')),
    controls(
      select('circle', L('圈', 'Circle'), order.filter((c) => c.members_with_code > 1).map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })), circleId),
      select('indicator', L('指标', 'Indicator'), CANDIDATES.filter((c) => indicatorMap.has(c)).map((c) => ({ value: c, label: named(indicatorMap.get(c), 'name') })), id),
      segmented('scale', L('刻度', 'Scale'), [{ value: 'log', label: L('对数', 'Log') }, { value: 'linear', label: L('线性', 'Linear') }], params.scale ?? 'log'),
    ),
    list.length
      ? figure({
          id: 'spread',
          wide: true,
          title: L(`各成员的${named(indicator, 'name')}（${unitText(indicator.unit)}）`, `${named(indicator, 'name')} of each member (${unitText(indicator.unit)})`),
          note: [definition(indicator), ' ', L('各点为最新版次；年份之间的版次可以不同，故此图不给比值。', 'Each point is its latest edition; editions differ between years, so no ratio is drawn from it.')],
          chart: chart((c) => ({
            grid: { left: 12, right: 72, top: 16, bottom: 8, containLabel: true },
            xAxis: yearAxis(c, list.map((row) => row.year)),
            yAxis: axis(c, params.scale === 'linear' ? { type: 'value', scale: true } : { type: 'log', min: 'dataMin', max: 'dataMax', axisLabel: { color: c.faint, formatter: (v) => number(v, 0) } }),
            tooltip: { trigger: 'item', formatter: ({ data }) => tip(`${name(data.row.place_code)} ${data.row.year}`, [[published(data.row), `${valueText(data.row)} ${unitText(data.row.unit)}`]]) },
            series: [...groups(list, 'place_code')].map(([code, of], i) => ({ name: name(code), type: 'line', symbol: 'circle', symbolSize: 6, lineStyle: { width: 0.7, opacity: 0.45 }, itemStyle: { color: c.series[i % 7] }, emphasis: { focus: 'series', lineStyle: { width: 2, opacity: 1 } }, data: [...of].sort((a, b) => a.year - b.year).map((row) => ({ value: [row.year, row.value], row, source: { kind: 'city', row } })), endLabel: { show: true, formatter: '{a}', color: c.soft, fontSize: 11 }, labelLayout: { moveOverlap: 'shiftY' } })),
          }), { height: 430, label: L('各成员历年数值', 'Values of the members over the years') }),
          data: {
            rows: [...list].sort((a, b) => b.year - a.year || b.value - a.value),
            columns: [
              { label: L('地区', 'Place'), value: (row) => name(row.place_code) },
              { label: L('年份', 'Year'), numeric: true, value: (row) => row.year, cell: (row) => String(row.year) },
              { label: L('值', 'Value'), numeric: true, value: (row) => row.value, cell: (row) => num(valueText(row), row.value, { kind: 'city', row }) },
              { label: L('文献', 'Document'), value: (row) => published(row), className: 'soft' },
            ],
          },
        })
      : gap(L('成员没有这个指标', 'No member has this indicator'), named(indicator, 'name')),
    h('section', null, h('div', { class: 'section-head' }, h('h2', null, L('差距指标', 'Measures'))), await dispersion(circleId, params)),
    await further(circleId, params, name),
    await urbanRural(indicatorMap, placeMap, own),
  ]
}

/** What else the release says of the circle's structure. */
async function further(circleId, params, name) {
  const keep = (of) => (row) =>
    (row.vintage === undefined || row.vintage === (params.vintage ?? 'latest')) && (row.indicator_id === undefined || row.indicator_id === of)
  return Promise.all(
    [
      ['circle_core_periphery_year', L('核心与外围', 'Core and periphery'), params.of ?? 'gdp_per_capita_year_end', { columns: ['indicator_id', 'vintage', 'core_id', 'year', 'core_value', 'periphery_value', 'unit', 'core_periphery_ratio', 'core_numerator_share', 'core_denominator_share', 'theil_t', 'theil_between', 'theil_within'] }],
      // Measures of too few members are null with a reason, the same every year: only values are listed.
      ['circle_primacy_year', L('首位度与位序—规模（地区生产总值）', 'Primacy and rank-size of GDP'), 'gdp', { columns: ['vintage', 'first_code', 'year', 'measure', 'value', 'series', 'reason'], sortBy: 'year', value: true }],
      ['circle_city_size', L('城市规模等级', 'Cities by class of size'), null, { columns: ['year', 'source', L('size_class_zh', 'size_class_en'), 'cities', 'population_city_proper', 'population_share', 'city_names'] }],
    ].map(async ([table, title, of, { value, ...shown }]) =>
      has(table) ? h('section', null, h('div', { class: 'section-head' }, h('h2', null, title)), await released(table, { keep: (row) => keep(of)(row) && (!value || row.value !== null), name, where: { circle_id: { $eq: circleId } }, limit: 12, ...shown })) : null,
    ),
  )
}

/** Urban and rural income, side by side, wherever both are held for the same place and year. */
async function urbanRural(indicatorMap, placeMap, own) {
  const ids = ['urban_disposable_income_per_capita', 'rural_disposable_income_per_capita']
  const list = (await rows('city_indicator_year', { indicator_id: { $in: ids } })).filter((row) => row.value !== null && row.is_latest)
  const pairs = [...groups(list, (row) => `${row.place_code} ${row.year}`)].filter(([, of]) => new Set(of.map((row) => row.indicator_id)).size === 2)
  const head = h('div', { class: 'section-head' }, h('h2', null, L('城乡收入', 'Urban and rural income')))
  const held = new Set(pairs.map(([key]) => key.split(' ')[0]).filter((code) => own.includes(code)))
  return h(
    'section',
    null,
    head,
    held.size < own.length ? gap(L('城乡收入不全', 'Incomes are incomplete'), L(`${own.length} 个成员中 ${held.size} 个同时有城镇与农村收入。`, `${held.size} of ${own.length} members have both an urban and a rural income.`), L(`可补自：${said(indicatorMap.get(ids[1])?.would_be_filled_by) || '—'}`, `Would be filled by: ${said(indicatorMap.get(ids[1])?.would_be_filled_by) || '—'}`)) : null,
    pairs.length
      ? table({
          name: L('城乡收入', 'urban and rural income'),
          caption: L('城乡收入', 'Urban and rural income'),
          rows: pairs.map(([, of]) => ({ urban: of.find((r) => r.indicator_id === ids[0]), rural: of.find((r) => r.indicator_id === ids[1]) })),
          limit: 20,
          columns: [
            { label: L('地区', 'Place'), value: ({ urban }) => named(placeMap.get(urban.place_code), 'place_name') },
            { label: L('年份', 'Year'), numeric: true, value: ({ urban }) => urban.year, cell: ({ urban }) => String(urban.year) },
            { label: L('城镇（元）', 'Urban (yuan)'), numeric: true, value: ({ urban }) => urban.value, cell: ({ urban }) => num(valueText(urban), urban.value, { kind: 'city', row: urban }) },
            { label: L('农村（元）', 'Rural (yuan)'), numeric: true, value: ({ rural }) => rural.value, cell: ({ rural }) => num(valueText(rural), rural.value, { kind: 'city', row: rural }) },
          ],
        })
      : null,
  )
}
