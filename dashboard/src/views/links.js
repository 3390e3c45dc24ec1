// Economic links by the gravity model, as the release has them under every variant, and what they
// make of the paper's two claims. Nothing is computed here.
import { has, rows } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, percent, unitText, valueText } from '../format.js'
import { indicators } from '../reference.js'
import { controls, gap, num, select, table } from '../ui.js'

const TABLE = 'economic_link_city_pair_year'
const CLAIMS = 'network_claim_check'
const MASS = { gdp: ['地区生产总值', 'GDP'], population: ['常住人口', 'Residents'], sqrt_population_gdp: ['√(人口×GDP)', '√(residents × GDP)'] }
const BASIS = { seat: ['驻地直线', 'seats, straight line'], centroid: ['形心直线', 'centroids, straight line'], rail_minutes: ['最快列车分钟', 'fastest train, minutes'] }
const variantText = (row) => `${L(...MASS[row.mass])} ÷ ${L(...BASIS[row.distance_basis])}${row.exponent === 1 ? '' : '²'}`

/** params: `link` the variant, `linkyear` the year; `usual` is the year shown when none is asked for. */
export async function economicLinks(circleId, params, name, usual) {
  if (!has(TABLE))
    return gap(L('经济联系强度：未重绘', 'Economic links: not redrawn'), L('论文未说明引力模型的质量、距离、指数与常数，排序之外没有留下任何数值。', 'The paper states neither mass, distance, exponent nor constant of its gravity model, and no value survives but the order.'), L(`所需表：${TABLE}。`, `Table needed: ${TABLE}.`))
  const all = await rows(TABLE, { circle_id: { $eq: circleId } })
  if (!all.length) return gap(L('此圈没有经济联系', 'No economic links for this circle'), L('只对全由地级市组成的圈计算。', 'They are made for circles of whole cities alone.'))
  const variants = [...new Map(all.map((row) => [row.variant, row])).values()]
  const variant = variants.some((row) => row.variant === params.link) ? params.link : 'gdp_seat_2'
  const ofVariant = all.filter((row) => row.variant === variant)
  const years = [...new Set(ofVariant.map((row) => row.year))].sort((a, b) => b - a)
  const year = [Number(params.linkyear), usual, years[0]].find((one) => years.includes(one))
  const list = ofVariant.filter((row) => row.year === year).sort((a, b) => a.link_rank - b.link_rank || a.destination_code.localeCompare(b.destination_code))
  const pair = (row) => `${name(row.origin_code)} – ${name(row.destination_code)}`
  const source = (row) => ({ kind: 'row', table: TABLE, row, title: `${pair(row)} · ${row.year}`, value: percent(row.link_share, 1), note: variantText(row), more: () => masses(row, name) })
  const unit = list[0]?.distance_basis === 'rail_minutes' ? L('分钟', 'min') : 'km'
  const most = list[0]?.link_share ?? 1
  return h(
    'div',
    { class: 'links', 'data-variant': variant, 'data-year': String(year) },
    controls(
      select('link', L('质量 ÷ 距离', 'Mass ÷ distance'), variants.map((row) => ({ value: row.variant, label: variantText(row) })), variant),
      select('linkyear', L('年份', 'Year'), years.map((one) => ({ value: String(one), label: String(one) })), String(year)),
    ),
    h('p', { class: 'note' }, L('引力值没有自然单位：可比的是占全部城市对的份额与位次。', 'A gravity index has no natural unit: what compares is a pair’s share of all pairs, and its rank.')),
    await claims(circleId, year),
    table({
      name: `${TABLE} ${variant} ${year}`,
      caption: L('经济联系', 'Economic links'),
      rows: list,
      limit: 12,
      columns: [
        { label: L('位次', 'Rank'), value: (row) => row.link_rank },
        { label: L('城市对', 'Pair'), value: pair },
        { label: L('份额', 'Share'), numeric: true, value: (row) => row.link_share, cell: (row) => [h('i', { class: 'cell-bar', vars: { '--w': `${((100 * row.link_share) / most).toFixed(1)}%` } }), num(percent(row.link_share, 1), row.link_share, source(row))] },
        { label: L(`距离（${unit}）`, `Distance (${unit})`), numeric: true, value: (row) => row.distance, cell: (row) => num(number(row.distance, 1), row.distance, source(row)) },
        { label: L('引力值', 'Index'), numeric: true, value: (row) => row.link, cell: (row) => num(number(row.link, 1), row.link, source(row)) },
      ],
    }),
  )
}

/** In how many variants, and on how many days, the paper's order of its two strongest links holds. */
async function claims(circleId, year) {
  if (circleId !== 'GZ_PAPER9' || !has(CLAIMS)) return null
  const list = await rows(CLAIMS)
  const economic = list.filter((row) => row.network === 'economic' && row.period === String(year))
  const railway = list.filter((row) => row.network === 'railway')
  const said = (of, field) => `${of.filter((row) => row[field]).length} / ${of.length}`
  const cell = (label, value) => h('div', null, h('span', null, label), h('b', null, value))
  return h(
    'div',
    { class: 'facts claims' },
    cell(L(`“广佛第一”，${year} 年各变体`, `“Foshan first”, variants of ${year}`), said(economic, 'is_foshan_first')),
    cell(L(`“广莞第二”，${year} 年各变体`, `“Dongguan second”, variants of ${year}`), said(economic, 'is_dongguan_second')),
    cell(L('“广佛第一”，按直达列车各日', '“Foshan first”, by trains, days'), said(railway, 'is_foshan_first')),
    cell(L('“广莞第二”，按直达列车各日', '“Dongguan second”, by trains, days'), said(railway, 'is_dongguan_second')),
  )
}

/** The masses of the two cities, each with its own source. */
async function masses(row, name) {
  const wanted = { gdp: ['gdp'], population: ['population_resident'], sqrt_population_gdp: ['gdp', 'population_resident'] }[row.mass]
  const [list, indicatorMap] = await Promise.all([rows('city_indicator_best', { indicator_id: { $in: wanted } }), indicators()])
  const held = list.filter((one) => one.year === row.year && [row.origin_code, row.destination_code].includes(one.place_code))
  if (!held.length) return null
  return h('section', null, h('h3', null, L('两城的质量', 'Masses of the two cities')), h('ul', { class: 'inputs' }, held.map((one) =>
    h('li', null, `${name(one.place_code)} · ${named(indicatorMap.get(one.indicator_id), 'name')}  `, num(valueText(one), one.value, { kind: 'city', row: one }), ` ${unitText(one.unit)}`))))
}
