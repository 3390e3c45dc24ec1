// Cities and counties coloured by an indicator, with the outlines of circles.
import { rows } from '../data.js'
import { h, s } from '../dom.js'
import { L, digitsOf, named, number, unitText, valueText, word } from '../format.js'
import { DELTA, GUANGDONG, boundaries, coast, exportable, frame, ground, mapNote, memberPoints, outline, placeNames } from '../geo.js'
import { circleOrder, definition, indicators, members, places, published, seats } from '../reference.js'
import { linkTo } from '../state.js'
import { openSource } from '../source.js'
import { controls, figure, gap, heading, num, segmented, select, yearSlider } from '../ui.js'

const DOMAINS = ['economy', 'population', 'land', 'innovation', 'income', 'finance', 'trade', 'environment']
// A narrow screen gets a smaller frame, so that its words keep their size.
const width = () => (innerWidth < 700 ? 380 : 860)

export async function render(params) {
  const [indicatorMap, placeMap, points, rings, order, memberMap, own] = await Promise.all([
    indicators(), places(), seats(), coast(), circleOrder(), members(), boundaries(),
  ])
  const level = params.level === 'county' ? 'county' : 'prefecture'
  // Which indicators the level has: a few columns of the whole table.
  const held = (await rows('city_indicator_best', undefined, ['indicator_id', 'place_level', 'place_code', 'year']))
    .filter((row) => row.place_level === level && row.place_code.startsWith('44'))
  const available = new Map()
  for (const row of held) available.set(row.indicator_id, (available.get(row.indicator_id) ?? 0) + 1)
  const fallback = level === 'county' ? 'urbanisation_rate' : 'gdp_per_capita'
  const id = available.has(params.indicator) ? params.indicator : available.has(fallback) ? fallback : [...available.keys()][0]
  const indicator = indicatorMap.get(id)
  const values = (await rows('city_indicator_best', { indicator_id: { $eq: id } }))
    .filter((row) => row.place_level === level && row.place_code.startsWith('44') && row.value !== null)
  const years = [...new Set(values.map((row) => row.year))].sort((a, b) => a - b)
  const fullest = [...years].reverse().reduce((best, y) => (count(values, y) > count(values, best) ? y : best), years.at(-1))
  const year = years.includes(Number(params.year)) ? Number(params.year) : fullest
  const now = values.filter((row) => row.year === year)
  const sizes = await sizeBy(level, year)
  const circleId = params.circle ?? order[0].circle_id
  const zoom = params.zoom === 'delta' ? 'delta' : 'province'
  const scale = classes(now.map((row) => row.value))

  const view = frame(zoom === 'delta' ? DELTA : GUANGDONG, width())
  const label = L(`${named(indicator, 'name')}，${year} 年，${now.length} 个${word(level)}`, `${named(indicator, 'name')}, ${year}, ${now.length} places`)
  const svg = ground(view, rings, label)
  svg.setAttribute('role', 'group')
  const card = h('div', { class: 'map-card', 'aria-live': 'polite' })
  const strip = legend(scale, now, indicator)
  const show = (row, code) => {
    const name = named(placeMap.get(code), 'place_name')
    const place = [...now].sort((a, b) => b.value - a.value).findIndex((r) => r.place_code === code) + 1
    card.replaceChildren(
      h('h2', null, name || code),
      row ? h('p', { class: 'big' }, num(valueText(row), row.value, { kind: 'city', row }), h('span', { class: 'unit' }, unitText(row.unit))) : h('p', { class: 'none' }, L('本年无数', 'No value this year')),
      h('p', { class: 'note' }, row ? L(`第 ${place} / ${now.length}，${published(row)}`, `${place} of ${now.length}; ${published(row)}`) : null),
    )
    strip.point(row)
  }

  const codes = [...points.keys()].filter((code) => code.startsWith('44') && (level === 'prefecture' ? code.endsWith('00') && code !== '440000' : !code.endsWith('00') || ['441900', '442000'].includes(code)))
  const valueOf = new Map(now.map((row) => [row.place_code, row]))
  const radius = radii(codes, sizes, (level === 'county' ? 17 : 30) * Math.sqrt(view.width / 860))
  const layer = s('g')
  for (const code of [...codes].sort((a, b) => radius(b) - radius(a))) {
    const row = valueOf.get(code)
    const name = named(placeMap.get(code), 'place_name')
    const [x, y] = view.at(points.get(code))
    const common = {
      tabindex: 0,
      role: 'button',
      'data-place': code,
      'aria-label': row ? `${name}: ${valueText(row)} ${unitText(row.unit)}` : `${name}: ${L('无数', 'no value')}`,
      onclick: () => row && openSource({ kind: 'city', row }),
      onkeydown: (event) => (event.key === 'Enter' || event.key === ' ') && row && (event.preventDefault(), openSource({ kind: 'city', row })),
      onmouseenter: () => show(row, code),
      onfocus: () => show(row, code),
    }
    const fill = row ? `var(--ramp-${scale.step(row.value)})` : null
    layer.append(
      own.has(code)
        ? s('path', { ...common, d: own.get(code).map((ring) => `M${ring.map((p) => view.at(p).map((n) => n.toFixed(1)).join(' ')).join('L')}Z`).join(''), 'fill-rule': 'evenodd', class: row ? 'area' : 'area bare', fill })
        : s('circle', { ...common, cx: x.toFixed(1), cy: y.toFixed(1), r: row ? radius(code).toFixed(1) : 4, class: row ? 'symbol' : 'symbol bare', fill }),
    )
  }
  const ringsOf = circleId === 'none' ? [] : circleId === 'both' ? ['GZ_PAPER9', 'GZ_OFFICIAL2023'] : [circleId]
  ringsOf.forEach((one, i) => {
    const list = memberPoints(memberMap.get(one) ?? [], points)
    if (list.length) svg.append(outline(view, list, ((zoom === 'delta' ? 40 : 24) * view.width) / 860, i ? 'other' : 'chosen', `ring-${i}`))
  })
  svg.append(layer)
  const labelled = level === 'prefecture' ? codes : codes.filter((code) => points.has(code) && zoom === 'delta' && radius(code) > 9)
  const spot = (code) => {
    const [x, y] = view.at(points.get(code))
    return { x, y, r: valueOf.has(code) ? radius(code) : 4, text: labelled.includes(code) ? named(placeMap.get(code), 'place_name').replace(/市$/, '') : null }
  }
  svg.append(placeNames(view, codes.map(spot)))
  const top = [...now].sort((a, b) => b.value - a.value)[0]
  if (top) show(top, top.place_code)

  const options = DOMAINS.map((domain) => ({
    label: word(domain),
    options: [...indicatorMap.values()].filter((i) => i.domain === domain && available.has(i.indicator_id)).map((i) => ({ value: i.indicator_id, label: named(i, 'name') })),
  })).filter((group) => group.options.length)
  const box = exportable(h('div', { class: 'mapbox' }, svg), svg)
  const missing = codes.filter((code) => !valueOf.has(code))
  return [
    heading(L('发布版不含界线：以驻地为点', 'No boundaries in the release: places as points'), L('指标落在地图上', 'An indicator on the map'),
      L('颜色为指标值（五分位至七级），点的面积为人口；圈线环绕成员驻地。', 'Colour is the indicator, in seven classes of equal count; area is population; the line runs around a circle’s members.')),
    controls(
      segmented('level', L('层级', 'Level'), [{ value: 'prefecture', label: L('地级市', 'Cities'), also: { year: null, indicator: null } }, { value: 'county', label: L('县区', 'Counties'), also: { year: null, indicator: null } }], level),
      select('indicator', L('指标', 'Indicator'), options, id),
      yearSlider('year', L('年份', 'Year'), years, year),
      select('circle', L('圈线', 'Outline'), [
        { value: 'both', label: L('论文九市＋2023规划', 'Paper and plan of 2023') },
        ...order.filter((c) => c.members_with_code).map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })),
        { value: 'none', label: L('不画', 'None') },
      ], circleId),
      segmented('zoom', L('范围', 'Extent'), [{ value: 'province', label: L('全省', 'Province') }, { value: 'delta', label: L('都市圈', 'Circle') }], zoom),
    ),
    h(
      'div',
      { class: 'map-layout' },
      figure({
        id: 'map-figure',
        level: 2,
        title: `${named(indicator, 'name')} · ${year}`,
        note: mapNote(own.size > 0),
        chart: box,
        legend: h('div', { class: 'legend' },
          ringsOf.map((one, i) => h('span', null, h('i', { vars: { '--c': i ? 'var(--river)' : 'var(--kapok)' } }), named(order.find((c) => c.circle_id === one), 'circle_name'))),
          now.length ? [[scale.low, L('最低', 'lowest')], [scale.high, L('最高', 'highest')]].map(([value, text]) => h('span', null, h('i', { class: 'dot', vars: { '--c': `var(--ramp-${scale.step(value)})` } }), `${text} ${number(value, digitsOf(value))} ${unitText(indicator.unit)}`)) : null),
        data: {
          rows: now,
          sortBy: 2,
          descending: true,
          limit: 30,
          columns: [
            { label: L('地区', 'Place'), value: (row) => named(placeMap.get(row.place_code), 'place_name') || row.place_name_zh },
            { label: L('代码', 'Code'), value: (row) => row.place_code },
            { label: `${named(indicator, 'name')} (${unitText(indicator.unit)})`, numeric: true, value: (row) => row.value, cell: (row) => num(valueText(row), row.value, { kind: 'city', row }) },
            { label: L('文献', 'Document'), value: (row) => published(row), className: 'soft' },
            { label: L('状态', 'Status'), value: (row) => word(row.status), className: 'soft' },
          ],
        },
      }),
      h(
        'div',
        { class: 'map-side' },
        card,
        strip,
        indicator.definition ? h('p', { class: 'note' }, definition(indicator)) : null,
        missing.length ? gap(L(`${missing.length} 个${word(level)}本年无数`, `${missing.length} places without a value`), missing.slice(0, 14).map((code) => named(placeMap.get(code), 'place_name')).join(L('、', ', ')) + (missing.length > 14 ? ' …' : '')) : null,
        h('p', null, h('a', { href: linkTo('trends', { indicator: id }) }, L('看这一指标的历年走势 →', 'See its course over the years →'))),
      ),
    ),
  ]
}

const count = (values, year) => values.filter((row) => row.year === year).length

/** Population for the area of the symbols: of the year, else of the census; by place. */
async function sizeBy(level, year) {
  const found = new Map()
  for (const id of level === 'county' ? ['population_census'] : ['population_resident', 'population_registered', 'population_census']) {
    const list = (await rows('city_indicator_best', { indicator_id: { $eq: id } })).filter((row) => row.place_level === level && row.value !== null)
    const nearest = new Map()
    for (const row of list) {
      const held = nearest.get(row.place_code)
      if (!held || Math.abs(row.year - year) < Math.abs(held.year - year)) nearest.set(row.place_code, row)
    }
    for (const [code, row] of nearest) if (!found.has(code)) found.set(code, row.unit === '人' ? row.value / 10000 : row.value)
  }
  return found
}

function radii(codes, sizes, most) {
  const high = Math.max(...codes.map((code) => sizes.get(code) ?? 0), 1)
  return (code) => Math.max(4, most * Math.sqrt((sizes.get(code) ?? high / 12) / high))
}

/** Seven classes of about equal count; fewer values, fewer classes. */
function classes(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const distinct = [...new Set(sorted)]
  const steps = Math.min(7, Math.max(1, distinct.length))
  const cuts = Array.from({ length: steps - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / steps)])
  const step = (value) => {
    const at = cuts.filter((cut) => value >= cut).length
    return steps === 1 ? 5 : Math.round(1 + (at * 6) / (steps - 1))
  }
  return { step, low: sorted[0], high: sorted.at(-1) }
}

/** The scale as the values themselves: one tick each, on the colours they get. */
function legend(scale, now, indicator) {
  const width = 320
  const x = (value) => 6 + ((value - scale.low) / (scale.high - scale.low || 1)) * (width - 12)
  const sorted = [...now].sort((a, b) => a.value - b.value)
  const svg = s('svg', { viewBox: `0 0 ${width} 54`, 'aria-hidden': 'true' })
  sorted.forEach((row, i) => {
    const from = i ? (x(sorted[i - 1].value) + x(row.value)) / 2 : 0
    const to = i < sorted.length - 1 ? (x(sorted[i + 1].value) + x(row.value)) / 2 : width
    svg.append(s('rect', { x: from.toFixed(1), y: 20, width: Math.max(0.5, to - from).toFixed(1), height: 14, fill: `var(--ramp-${scale.step(row.value)})` }))
  })
  for (const row of sorted) svg.append(s('line', { x1: x(row.value).toFixed(1), x2: x(row.value).toFixed(1), y1: 16, y2: 20, class: 'tick' }))
  const pointer = s('line', { y1: 8, y2: 36, class: 'tick now' })
  const text = (value, anchor, at) => s('text', { x: at, y: 48, 'text-anchor': anchor }, number(value, digitsOf(value)))
  if (sorted.length) svg.append(text(scale.low, 'start', 0), text(scale.high, 'end', width), s('text', { x: width / 2, y: 48, 'text-anchor': 'middle' }, unitText(indicator.unit)))
  svg.append(pointer)
  const box = h('div', { class: 'scale' }, svg)
  box.point = (row) => {
    pointer.style.display = row ? '' : 'none'
    if (!row) return
    pointer.setAttribute('x1', x(row.value))
    pointer.setAttribute('x2', x(row.value))
  }
  return box
}
