// The circle: which definition, which year, which vintage, and what each of them makes of it.
import { groups, has, rows } from '../data.js'
import { h, s } from '../dom.js'
import { L, digitsOf, named, number, percent, unitText, valueText, word } from '../format.js'
import { DELTA, GUANGDONG, coast, frame, ground, memberPoints, outline } from '../geo.js'
import { circleOrder, definition, indicators, members, places, said, seats } from '../reference.js'
import { linkTo } from '../state.js'
import { controls, gap, num, segmented, select, table, tag, yearSlider } from '../ui.js'

// What heads the page, in this order, where the release has it.
const LEADS = ['gdp', 'population_resident', 'gdp_per_capita_year_end', 'gdp_share_of_province', 'land_area', 'urbanisation_rate']
// Of other circles and of members only the columns that are shown: fact_id alone would double what
// is fetched. Their source finds the row again by its key.
const COMPARED = ['circle_id', 'indicator_id', 'year', 'vintage', 'value', 'value_low', 'value_high', 'unit', 'members_total', 'members_with_data']
const LISTED = ['place_code', 'indicator_id', 'year', 'value', 'value_low', 'value_high', 'unit']
const DOMAINS = ['economy', 'population', 'land', 'innovation', 'income', 'finance', 'trade', 'environment']

export async function render(params) {
  const [order, memberMap, indicatorMap, placeMap] = await Promise.all([circleOrder(), members(), indicators(), places()])
  const circleId = order.some((c) => c.circle_id === params.circle) ? params.circle : order[0].circle_id
  const circle = order.find((c) => c.circle_id === circleId)
  const all = await rows('circle_indicator_year', { circle_id: { $eq: circleId } })
  const vintages = [...new Set(all.map((row) => row.vintage))].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
  const vintage = [params.vintage, 'latest', vintages[0]].find((v) => vintages.includes(v))
  const ofVintage = all.filter((row) => row.vintage === vintage)
  const years = [...new Set(ofVintage.filter((row) => row.value !== null).map((row) => row.year))].sort((a, b) => a - b)
  const year = years.includes(Number(params.year)) ? Number(params.year) : (years.includes(2021) ? 2021 : years.at(-1))
  const now = new Map(ofVintage.filter((row) => row.year === year).map((row) => [row.indicator_id, row]))
  const series = groups(ofVintage.filter((row) => row.value !== null), 'indicator_id')
  const own = memberMap.get(circleId) ?? []

  const chips = order.filter((c) => c.circle_kind === 'circle')
  const others = groups(order.filter((c) => c.circle_kind !== 'circle'), 'circle_kind')
  const compared = params.compare ?? 'gdp'
  const [where, definitions, regions, memberRows, shared, trials] = await Promise.all([
    locator(own),
    years.length ? comparison(order, indicatorMap, compared, year, vintage, circleId) : null,
    years.length ? elsewhere(compared, year, indicatorMap, circleId) : null,
    memberTable(own, placeMap, year ?? 2021, circle, indicatorMap),
    overlaps(circleId, order),
    trial(circleId, year),
  ])
  return [
    h(
      'div',
      { class: 'hero' },
      h(
        'header',
        { class: 'view-head' },
        h('p', { class: 'kicker' }, L('同名不同圈：先选定义', 'One name, several regions: choose a definition')),
        h('h1', { tabindex: -1 }, named(circle, 'circle_name')),
        h('p', { class: 'lede' }, lede(circle, own, placeMap)),
        circle.note ? h('p', { class: 'note' }, said(circle.note)) : null,
        controls(
          segmented('circle', L('定义', 'Definition'), chips.map((c) => ({ value: c.circle_id, label: shortName(c), title: named(c, 'circle_name') })), circleId),
          select('circle', L('其他区域', 'Other regions'), [
            { value: '', label: L('轴、核心、试点……', 'Axes, cores, pilots …'), disabled: true },
            ...[...others].map(([kind, list]) => ({ label: word(kind), options: list.map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })) })),
          ], chips.some((c) => c.circle_id === circleId) ? '' : circleId),
        ),
      ),
      where,
    ),
    h(
      'div',
      { class: 'bar' },
      segmented('vintage', L('版本', 'Vintage'), vintages.map((v) => ({ value: v, label: word(v) })), vintage),
      years.length ? yearSlider('year', L('年份', 'Year'), years, year) : null,
    ),
    years.length ? leads(now, series, indicatorMap, year, circle) : gap(L('此定义没有可汇总的数值', 'This definition has no values to add up'), nothingToAdd(circle)),
    definitions,
    regions,
    years.length ? ledger(now, series, indicatorMap, year, circle) : null,
    memberRows,
    shared,
    trials,
  ]
}

/** Why a definition has no value at all. */
const nothingToAdd = (circle) =>
  circle.members_with_code < circle.members_total
    ? L(`${circle.members_with_code} / ${circle.members_total} 个成员有行政区划代码；没有代码的成员没有统计数据。`, `${circle.members_with_code} of ${circle.members_total} members have a division code; members without one have no statistics.`)
    : L('成员只有一部分在内，而文献未印出那一部分的大小；全市的数不能代替。', 'Members belong to it in part, and the document does not print how large a part: values of whole cities are no stand-in.')

const rank = (vintage) => ({ first_published: 0, latest: 1 })[vintage] ?? 2

function shortName(circle) {
  const names = {
    GZ_PAPER9: ['论文九市', 'Paper, nine cities'],
    GZ_OFFICIAL2023: ['2023规划', 'Plan of 2023'],
    GF: ['广佛', 'Guangzhou–Foshan'],
    PRW: ['珠江口西岸', 'Pearl River West'],
    GFZQYS: ['广佛肇清云韶', 'Six-city zone'],
  }
  return names[circle.circle_id] ? L(...names[circle.circle_id]) : named(circle, 'circle_name')
}

function lede(circle, own, placeMap) {
  const names = own.map((m) => named(placeMap.get(m.place_code), 'place_name') || m.member_name)
  const listed = names.slice(0, 12).join(L('、', ', ')) + (names.length > 12 ? ' …' : '')
  const text = L(`${circle.members_total} 个成员：${listed}。`, `${circle.members_total} members: ${listed}. `)
  return [
    text,
    num(L('定义出处', 'Where it is defined'), circle.circle_id, { kind: 'row', table: 'circle', row: circle, title: named(circle, 'circle_name') }, 'inline'),
  ]
}

/** A small map of where the members lie. */
async function locator(own) {
  const [points, rings] = await Promise.all([seats(), coast()])
  const mine = memberPoints(own, points)
  const inDelta = mine.every(([x, y]) => x > DELTA.west && x < DELTA.east && y > DELTA.south && y < DELTA.north)
  const view = frame(inDelta ? DELTA : GUANGDONG, 420)
  const svg = ground(view, rings, L('成员驻地的位置', 'Where the members’ seats lie'))
  if (mine.length) svg.append(outline(view, mine, inDelta ? 21 : 13, 'chosen', 'locator-ring'))
  const mineCodes = new Set(own.map((m) => m.place_code))
  const belongs = (code) => mineCodes.has(code) || mineCodes.has(`${code.slice(0, 4)}00`)
  for (const [code, point] of points) {
    const [x, y] = view.at(point)
    const city = code.endsWith('00')
    svg.append(s('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: city ? 2.8 : 1.4, class: belongs(code) ? 'dot in' : 'dot out' }))
  }
  return h('div', { class: 'locator' }, svg)
}

/** The few numbers that head the page, each with its course over the years. */
function leads(now, series, indicatorMap, year, circle) {
  const shown = LEADS.filter((id) => indicatorMap.has(id))
  return h(
    'section',
    { class: 'leads', 'aria-label': L('主要数字', 'Leading numbers') },
    shown.map((id) => {
      const row = now.get(id)
      const indicator = indicatorMap.get(id)
      const line = (series.get(id) ?? []).sort((a, b) => a.year - b.year)
      const held = line.map((r) => r.year)
      return h(
        'div',
        { class: 'lead', 'data-indicator': id },
        h('h2', null, named(indicator, 'name')),
        row && row.value !== null
          ? h('p', { class: 'big' }, num(valueText(row), row.value, { kind: 'circle', row }), h('span', { class: 'unit' }, unitText(row.unit)))
          : h('p', { class: 'big empty' }, '—', h('span', { class: 'unit' }, why(row, held, year, circle))),
        spark(line, year),
        h('p', { class: 'meta' }, row && row.value !== null ? marks(row) : null),
      )
    }),
  )
}

function why(row, held, year, circle) {
  if (row && row.is_refused) return L('拒算：成员与全省版次不同', 'Refused: members and province stand in different editions')
  if (row) return L(`${circle.members_total} 个成员中 ${row.members_with_data} 个有数`, `${row.members_with_data} of ${circle.members_total} members have data`)
  if (!held.length) return L('此版本没有任何年份', 'No year under this vintage')
  return L(`${year} 年无数；有 ${span(held)}`, `None for ${year}; held for ${span(held)}`)
}

/** Years as runs: 2010, 2018–2023. */
export function span(years) {
  const runs = []
  for (const year of [...years].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && year === last[1] + 1) last[1] = year
    else runs.push([year, year])
  }
  return runs.map(([a, b]) => (a === b ? a : `${a}–${b}`)).join(', ')
}

export const yearsMissing = (years) => L(`缺 ${years.length} 年`, years.length === 1 ? 'One year missing' : `${years.length} years missing`)

function marks(row) {
  const editions = row.edition_min === row.edition_max ? row.edition_min : `${row.edition_min}–${row.edition_max}`
  return [
    h('span', null, L(`${editions} 年版`, `edition ${editions}`)),
    row.is_partial ? tag(`${row.members_with_data}/${row.members_total}`, 'warn', L('成员不全', 'Members incomplete')) : null,
    row.is_mixed_vintage ? tag(L('混合版次', 'Mixed vintages'), 'warn', L('不得用于计算增速', 'Never feeds growth')) : null,
    row.is_estimate ? tag(L('含估计', 'Estimate'), 'warn') : null,
    row.is_preliminary ? tag(L('初步', 'Preliminary'), 'warn') : null,
  ]
}

/** A line of the years, broken where a year is missing. */
export function spark(line, year, width = 132, height = 30) {
  if (line.length < 2) return h('div', { class: 'spark none' })
  const low = Math.min(...line.map((r) => r.value))
  const high = Math.max(...line.map((r) => r.value))
  const first = line[0].year
  const last = line.at(-1).year
  const x = (y) => 3 + ((y - first) / Math.max(1, last - first)) * (width - 6)
  const y = (value) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8)
  let d = ''
  line.forEach((r, i) => {
    const joined = i > 0 && r.year === line[i - 1].year + 1
    d += `${joined ? 'L' : 'M'}${x(r.year).toFixed(1)} ${y(r.value).toFixed(1)}`
  })
  const svg = s('svg', { viewBox: `0 0 ${width} ${height}`, class: 'spark', 'aria-hidden': 'true' }, s('path', { d }))
  line.forEach((r, i) => {
    const alone = (i === 0 || line[i - 1].year !== r.year - 1) && (i === line.length - 1 || line[i + 1].year !== r.year + 1)
    if (alone || r.year === year) svg.append(s('circle', { cx: x(r.year).toFixed(1), cy: y(r.value).toFixed(1), r: r.year === year ? 3 : 1.6, class: r.year === year ? 'now' : '' }))
  })
  return svg
}

/** The same indicator, year and vintage under every definition of a circle. */
async function comparison(order, indicatorMap, asked, year, vintage, circleId) {
  const circleIds = order.filter((c) => c.circle_kind === 'circle').map((c) => c.circle_id)
  const options = LEADS.filter((id) => indicatorMap.has(id))
  const id = options.includes(asked) ? asked : options[0]
  const found = (await rows('circle_indicator_year', { circle_id: { $in: circleIds } }, COMPARED)).filter(
    (row) => row.indicator_id === id && row.year === year && row.vintage === vintage,
  )
  const high = Math.max(...found.map((row) => row.value ?? 0), 0)
  return h(
    'section',
    { class: 'compare' },
    h('div', { class: 'section-head' }, h('h2', null, L('换一个定义，数字就变', 'Another definition, another number')), select('compare', L('指标', 'Indicator'), options.map((o) => ({ value: o, label: named(indicatorMap.get(o), 'name') })), id)),
    h(
      'ol',
      { class: 'bars' },
      order
        .filter((c) => c.circle_kind === 'circle')
        .map((c) => {
          const row = found.find((r) => r.circle_id === c.circle_id)
          return h(
            'li',
            { class: c.circle_id === circleId ? 'chosen' : '', 'data-circle': c.circle_id },
            h('a', { href: linkTo('overview', { circle: c.circle_id, year, vintage }), class: 'bar-name' }, named(c, 'circle_name')),
            h('span', { class: 'bar-track', 'aria-hidden': 'true' }, row?.value ? h('i', { vars: { '--w': `${((100 * row.value) / (high || 1)).toFixed(2)}%` } }) : null),
            h('span', { class: 'bar-value' }, row && row.value !== null ? [num(valueText(row), row.value, { kind: 'circle', row }), ' ', h('small', null, unitText(row.unit))] : h('span', { class: 'none' }, row ? L(`缺 ${row.members_total - row.members_with_data} 个成员`, `${row.members_total - row.members_with_data} members missing`) : L('无数', 'none'))),
          )
        }),
    ),
  )
}

/** Every indicator of the circle in the year. */
function ledger(now, series, indicatorMap, year, circle) {
  const list = [...indicatorMap.values()]
    .filter((indicator) => series.has(indicator.indicator_id) || now.has(indicator.indicator_id))
    .sort((a, b) => DOMAINS.indexOf(a.domain) - DOMAINS.indexOf(b.domain) || a.indicator_id.localeCompare(b.indicator_id))
    .map((indicator) => ({ indicator, row: now.get(indicator.indicator_id), line: (series.get(indicator.indicator_id) ?? []).sort((a, b) => a.year - b.year) }))
  const withValue = list.filter((entry) => entry.row && entry.row.value !== null)
  const without = list.filter((entry) => !entry.row || entry.row.value === null)
  const columns = [
    { label: L('指标', 'Indicator'), value: ({ indicator }) => named(indicator, 'name'), cell: ({ indicator }) => h('span', { title: definition(indicator) }, named(indicator, 'name')) },
    { label: L('领域', 'Domain'), value: ({ indicator }) => word(indicator.domain), className: 'soft' },
    { label: String(year), numeric: true, value: ({ row }) => row?.value ?? null, cell: ({ row }) => num(valueText(row), row.value, { kind: 'circle', row }) },
    { label: L('单位', 'Unit'), value: ({ row }) => row?.unit, cell: ({ row }) => h('span', { class: 'soft' }, unitText(row.unit)) },
    { label: L('区间', 'Interval'), numeric: true, value: ({ row }) => (row ? `[${row.value_low}, ${row.value_high}]` : null), cell: ({ row }) => h('span', { class: 'soft' }, bounds(row)) },
    { label: L('成员', 'Members'), numeric: true, value: ({ row }) => row?.members_with_data, cell: ({ row }) => h('span', { class: 'soft' }, `${row.members_with_data}/${row.members_total}`) },
    { label: L('历年', 'Course'), value: ({ line }) => span(line.map((r) => r.year)), cell: ({ line }) => spark(line, year, 110, 22) },
    { label: L('版次与提示', 'Editions, cautions'), value: ({ row }) => `${row.edition_min}–${row.edition_max}`, cell: ({ row }) => h('span', { class: 'meta' }, marks(row)) },
  ]
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L(`${year} 年全部指标`, `All indicators, ${year}`)), h('p', null, L(`${withValue.length} 项有数，${without.length} 项缺`, `${withValue.length} held, ${without.length} missing`))),
    table({ name: `${circle.circle_id} ${year}`, caption: L('圈域指标', 'Indicators of the circle'), columns, rows: withValue, limit: 100 }),
    without.length
      ? h('details', { class: 'numbers' }, h('summary', null, L(`缺口 ${without.length} 项`, `${without.length} gaps`)), h('ul', { class: 'gaps' }, without.map(({ indicator, row, line }) => h('li', null, h('b', null, named(indicator, 'name')), ' ', h('span', null, why(row, line.map((r) => r.year), year, circle)), indicator.would_be_filled_by ? h('small', null, ` · ${L('可补自', 'would be filled by')}: ${said(indicator.would_be_filled_by)}`) : null))))
      : null,
  )
}

function bounds(row) {
  if (row.value_low === null) return ''
  const digits = digitsOf(row.value, row.value_low, row.value_high, 3)
  const [low, high] = [row.value_low, row.value_high].map((value) => number(value, digits + 1))
  // Inputs printed to many digits leave no width to show.
  return low === high ? '' : `${low} – ${high}`
}

/** The members, side by side. */
async function memberTable(own, placeMap, year, circle, indicatorMap) {
  const ids = ['gdp', 'population_resident', 'land_area', 'gdp_per_capita', 'urbanisation_rate', 'population_census'].filter((id) => indicatorMap.has(id))
  const values = (await rows('city_indicator_best', { indicator_id: { $in: ids } }, LISTED)).filter((row) => row.year === year)
  const cell = new Map(values.map((row) => [`${row.place_code} ${row.indicator_id}`, row]))
  const used = ids.filter((id) => own.some((m) => cell.has(`${m.place_code} ${id}`)))
  const high = Math.max(...own.map((m) => cell.get(`${m.place_code} gdp`)?.value ?? 0), 0)
  const columns = [
    { label: L('成员', 'Member'), value: (m) => named(placeMap.get(m.place_code), 'place_name') || m.member_name },
    { label: L('代码', 'Code'), value: (m) => m.place_code, cell: (m) => (m.place_code ? h('code', null, m.place_code) : tag(L('无代码', 'no code'), 'warn', m.no_code_reason)) },
    { label: L('角色', 'Role'), value: (m) => m.role, className: 'soft' },
    ...used.map((id) => ({
      label: `${named(indicatorMap.get(id), 'name')} (${unitText(indicatorMap.get(id).unit)})`,
      numeric: true,
      value: (m) => cell.get(`${m.place_code} ${id}`)?.value ?? null,
      cell: (m) => {
        const row = cell.get(`${m.place_code} ${id}`)
        return row ? [id === 'gdp' ? h('i', { class: 'cell-bar', vars: { '--w': `${((100 * row.value) / (high || 1)).toFixed(1)}%` } }) : null, num(valueText(row), row.value, { kind: 'city', row })] : h('span', { class: 'none' }, '—')
      },
    })),
  ]
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('成员', 'Members')), h('p', null, L(`${year ?? ''} 年，最新版本，全市口径`, `${year ?? ''}, latest vintage, whole cities`))),
    used.length < ids.length ? h('p', { class: 'note' }, L(`本年没有任何成员有数：${ids.filter((id) => !used.includes(id)).map((id) => named(indicatorMap.get(id), 'name')).join('、')}。`, `No member has a value this year for: ${ids.filter((id) => !used.includes(id)).map((id) => named(indicatorMap.get(id), 'name')).join(', ')}.`)) : null,
    table({ name: `${circle.circle_id} ${L('成员', 'members')}`, caption: L('成员', 'Members'), columns, rows: own, limit: 60 }),
  )
}

/** What the circle shares with the others, where the release says it. */
async function overlaps(circleId, order) {
  const list = (await rows('circle_overlap', { circle_id: { $eq: circleId } })).filter((row) => row.units_shared > 0)
  if (!list.length) return null
  const names = new Map(order.map((c) => [c.circle_id, c]))
  const source = (row) => ({ kind: 'row', table: 'circle_overlap', row, title: `${named(names.get(circleId), 'circle_name')} ∩ ${named(names.get(row.other_circle_id), 'circle_name')}` })
  const column = (label, field, text = number) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(text(row[field]), row[field], source(row)) })
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('与其他区域的重叠', 'What it shares with other regions')), h('p', null, L('圈域从不相加：重叠部分会被重复计算', 'Circles are never added: what they share would count twice'))),
    table({
      name: `${circleId} ${L('重叠', 'overlap')}`,
      caption: L('重叠', 'Overlap'),
      rows: list,
      sortBy: 2,
      descending: true,
      limit: 8,
      columns: [
        { label: L('另一区域', 'Other region'), value: (row) => named(names.get(row.other_circle_id), 'circle_name') || row.other_circle_id },
        column(L('共有单元', 'Units in both'), 'units_shared'),
        column(L('重复计算的普查人口', 'Census population counted twice'), 'population_counted_twice'),
        column(L('占本圈', 'Share of this one'), 'share_of_circle', (v) => percent(v, 1)),
        column(L('占另一区域', 'Share of the other'), 'share_of_other', (v) => percent(v, 1)),
      ],
    }),
  )
}

/** Trial accounts of a circle whose members are not all published: estimates, marked as such. */
async function trial(circleId, year) {
  const table = 'circle_trial_account'
  if (!has(table)) return null
  const where = { circle_id: { $eq: circleId } }
  const list = (await rows(table, where)).filter((row) => row.value !== null || row.value_low !== null)
  if (!list.length) return null
  const years = [...new Set(list.map((row) => row.year))].sort((a, b) => a - b)
  const shown = years.includes(year) ? year : years.at(-1)
  const { released } = await import('./released.js')
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L(`试算，${shown} 年`, `Trial accounts, ${shown}`)), tag(L('估计值，不是公布值', 'Estimates, not published values'), 'warn')),
    await released(table, { where, keep: (row) => row.year === shown, columns: ['indicator_id', 'method', 'value', 'value_low', 'value_high', 'unit', 'estimated_share', 'state', 'series', 'is_preliminary'], limit: 12 }),
  )
}

/** The same indicator and year in the regions that the release compares, where it does. */
async function elsewhere(id, year, indicatorMap, circleId) {
  const table = 'circle_comparison_year'
  // Circles with a published value stand in the comparison above; here they only give the measure.
  const list = (await rows(table)).filter((row) => row.indicator_id === id && row.year === year && row.value !== null && (!row.is_circle || row.area_id === circleId || row.is_estimate))
  if (!list.length) return null
  const high = Math.max(...list.map((row) => row.value))
  return h(
    'section',
    { class: 'compare' },
    h('div', { class: 'section-head' }, h('h2', null, L('与其他区域比较', 'Against other regions')), h('p', null, `${named(indicatorMap.get(id), 'name')} · ${year}`)),
    h(
      'ol',
      { class: 'bars' },
      [...list].sort((a, b) => a.area_seq - b.area_seq).map((row) =>
        h(
          'li',
          { class: row.area_id === circleId ? 'chosen' : '' },
          h('span', { class: 'bar-name' }, named(row, 'area_name') || row.area_id, ' ', row.is_estimate ? tag(L('估计', 'Estimate'), 'warn', said(row.method)) : null, row.is_mixed_vintage ? tag(L('混合版次', 'Mixed vintages'), 'warn') : null, row.is_preliminary ? tag(L('初步', 'Preliminary'), 'warn') : null),
          h('span', { class: 'bar-track', 'aria-hidden': 'true' }, h('i', { vars: { '--w': `${((100 * row.value) / (high || 1)).toFixed(2)}%` } })),
          h('span', { class: 'bar-value' }, num(valueText(row), row.value, { kind: 'row', table, row, title: `${named(row, 'area_name')} · ${named(indicatorMap.get(id), 'name')} · ${year}`, note: said(row.method) }), ' ', h('small', null, unitText(row.unit))),
        ),
      ),
    ),
  )
}
