// Trains between cities on one day: the network, the pair table, the matrix.
import { described, groups, has, rows } from '../data.js'
import { h, s } from '../dom.js'
import { L, clock, named, number, word } from '../format.js'
import { DELTA, GUANGDONG, coast, exportable, frame, ground, mapNote, memberPoints, outline, placeNames } from '../geo.js'
import { circleOrder, members, places, seats } from '../reference.js'
import { openSource } from '../source.js'
import { change, linkTo } from '../state.js'
import { controls, figure, gap, heading, missingTable, num, segmented, select, table, tag } from '../ui.js'
import { economicLinks } from './links.js'
import { released } from './released.js'

// A narrow screen gets a smaller frame, so that its words keep their size.
const width = () => (innerWidth < 700 ? 380 : 860)

export async function render(params) {
  const head = heading(L('每天多少趟车', 'How many trains a day'), L('铁路网络', 'The rail network'),
    L('一趟车当日从甲市任一站出发、其后停靠乙市任一站，即计一次；有方向。', 'A train counts once from A to B on a day when it departs any station of A that day and later calls at any station of B. Direction is kept.'))
  if (!has('rail_city_pair_day')) return [head, missingTable('rail_city_pair_day', L('城市对的直达列车数。', 'Direct trains between cities.'))]
  const [days, placeMap, points, rings, order, memberMap] = await Promise.all([rows('rail_service_day'), places(), seats(), coast(), circleOrder(), members()])
  // A window of many months is read day by day: only the row groups of the day are fetched.
  const usable = days.filter((day) => !day.is_gap_day)
  // An ordinary day, the newest held.
  const day = usable.find((d) => d.service_date === params.day) ?? usable.findLast((d) => d.day_type === 'workday') ?? usable[0] ?? days[0]
  const all = await rows('rail_city_pair_day', dayOf(day))
  const pairs = all.filter((row) => row.place_level === 'prefecture')
  const circleId = params.circle ?? 'GZ_PAPER9'
  const inside = new Set((memberMap.get(circleId) ?? []).map((m) => m.place_code))
  const only = params.scope === 'circle'
  const city = params.city ?? ''
  const shown = pairs.filter((row) => (!only || (inside.has(row.origin_code) && inside.has(row.destination_code))) && (!city || row.origin_code === city || row.destination_code === city))
  const name = (code) => named(placeMap.get(code), 'place_name')

  const sourceOf = (row) => ({
    kind: 'row',
    table: 'rail_city_pair_day',
    row: { ...row, document: row.timetable, edition: row.service_date },
    title: `${name(row.origin_code)} → ${name(row.destination_code)} · ${row.service_date}`,
    value: `${number(row.direct_trains)} ${L('趟', 'trains')}`,
    note: L('按列车计数，不按时刻表行数；站点按车站所在城市归并。', 'Trains are counted, not timetable rows; stations go to the city they lie in.'),
    more: () => trainList(row),
  })

  const types = [...groups(usable, 'day_type').keys()]
  const dayControl = usable.length <= 4
    ? segmented('day', L('日子', 'Day'), usable.map((d) => ({ value: d.service_date, label: `${word(d.day_type)} ${d.service_date}` })), day.service_date)
    : [
        segmented('daytype', L('日子类型', 'Kind of day'), types.map((t) => ({ value: t, label: word(t), also: { day: usable.find((d) => d.day_type === t).service_date } })), day.day_type),
        select('day', L('日期', 'Date'), usable.filter((d) => d.day_type === day.day_type).map((d) => ({ value: d.service_date, label: `${d.service_date}  ${word(d.day_type)}` })), day.service_date),
      ]
  const cities = [...new Set(pairs.flatMap((row) => [row.origin_code, row.destination_code]))].sort()
  return [
    head,
    controls(
      dayControl,
      segmented('scope', L('范围', 'Scope'), [{ value: 'all', label: L('全省', 'Province') }, { value: 'circle', label: L('圈内', 'Within the circle') }], only ? 'circle' : 'all'),
      select('circle', L('圈', 'Circle'), order.filter((c) => c.circle_kind === 'circle').map((c) => ({ value: c.circle_id, label: named(c, 'circle_name') })), circleId),
      select('city', L('城市', 'City'), [{ value: '', label: L('全部', 'All') }, ...cities.map((code) => ({ value: code, label: name(code) }))], city),
    ),
    facts(day, shown, sourceDay(day)),
    networkFigure(shown, pairs, day, { placeMap, points, rings, memberMap, circleId, city, only, name, sourceOf }),
    pairTable(shown, day, name, sourceOf),
    matrixFigure(pairs, day, inside, only, name, sourceOf),
    await further({ day, name, city, circleId, only, params, pairs: all, sourceOf }),
  ]
}

const sourceDay = (day) => ({ kind: 'row', table: 'rail_service_day', row: { ...day, document: day.timetable, edition: day.service_date }, title: `${L('列车运行日', 'Service day')} ${day.service_date}` })

function facts(day, shown, source) {
  const total = shown.reduce((sum, row) => sum + row.direct_trains, 0)
  const cell = (label, ...value) => h('div', null, h('span', null, label), h('b', null, ...value))
  return h(
    'div',
    { class: 'facts' },
    cell(L('日期', 'Date'), `${day.service_date}`, ' ', h('small', { class: 'soft' }, word(day.day_type))),
    cell(L('全国开行', 'Trains in the country'), num(number(day.trains), day.trains, source)),
    cell(L('经广东', 'Touching Guangdong'), num(number(day.trains_touching_guangdong), day.trains_touching_guangdong, source)),
    cell(L('有直达车的方向对', 'Directed pairs with a direct train'), number(shown.length)),
    cell(L('方向对直达车次之和', 'Direct trains, all these pairs'), number(total)),
  )
}

/** Both directions of a pair as one link. */
function undirected(pairs) {
  const links = new Map()
  for (const row of pairs) {
    const ends = [row.origin_code, row.destination_code].sort()
    const id = ends.join('-')
    if (!links.has(id)) links.set(id, { id, ends, trains: 0, rows: [] })
    const link = links.get(id)
    link.trains += row.direct_trains
    link.rows.push(row)
  }
  return [...links.values()].sort((a, b) => a.trains - b.trains)
}

function networkFigure(shown, all, day, { placeMap, points, rings, memberMap, circleId, city, only, name, sourceOf }) {
  const view = frame(only ? DELTA : GUANGDONG, width())
  const links = undirected(shown).filter((link) => link.ends.every((code) => points.has(code)))
  const svg = ground(view, rings, L(`铁路联系图，${day.service_date}`, `Rail links, ${day.service_date}`))
  svg.setAttribute('role', 'group')
  const list = memberPoints(memberMap.get(circleId) ?? [], points)
  if (list.length) svg.append(outline(view, list, ((only ? 40 : 24) * view.width) / 860, 'chosen', 'rail-ring'))
  const most = Math.max(...undirected(all).map((link) => link.trains), 1)
  const strength = new Map()
  for (const link of undirected(all)) for (const code of link.ends) strength.set(code, (strength.get(code) ?? 0) + link.trains)
  const strongest = Math.max(...strength.values(), 1)
  const card = h('div', { class: 'map-card', 'aria-live': 'polite' })
  const show = (link) =>
    card.replaceChildren(
      h('h2', null, link.ends.map(name).join(' ⇄ ')),
      ...link.rows.map((row) => h('p', null, `${name(row.origin_code)} → ${name(row.destination_code)}  `, num(number(row.direct_trains), row.direct_trains, sourceOf(row)), ' ', L('趟', 'trains'), h('span', { class: 'soft' }, L(`，最快 ${row.fastest_minutes} 分钟`, `, fastest ${row.fastest_minutes} min`)))),
    )
  for (const link of links) {
    const [a, b] = link.ends.map((code) => view.at(points.get(code)))
    // Links bow a little, so that a long one does not hide the short ones under it.
    const bow = Math.hypot(b[0] - a[0], b[1] - a[1]) * 0.09
    const angle = Math.atan2(b[1] - a[1], b[0] - a[0]) + Math.PI / 2
    const middle = [(a[0] + b[0]) / 2 + Math.cos(angle) * bow, (a[1] + b[1]) / 2 + Math.sin(angle) * bow]
    svg.append(
      s('path', {
        d: `M${a.map((n) => n.toFixed(1)).join(' ')}Q${middle.map((n) => n.toFixed(1)).join(' ')} ${b.map((n) => n.toFixed(1)).join(' ')}`,
        class: 'link',
        'stroke-width': (0.5 + 10 * (link.trains / most)).toFixed(2),
        'stroke-opacity': (0.22 + 0.6 * Math.sqrt(link.trains / most)).toFixed(2),
        tabindex: link.trains > most * 0.08 ? 0 : null,
        role: 'button',
        'aria-label': `${link.ends.map(name).join(' ⇄ ')}: ${link.trains} ${L('趟', 'trains')}`,
        onmouseenter: () => show(link),
        onfocus: () => show(link),
        onclick: () => openSource(sourceOf(link.rows[0])),
        onkeydown: (event) => event.key === 'Enter' && openSource(sourceOf(link.rows[0])),
      }),
    )
  }
  const spots = []
  for (const [code, trains] of [...strength].sort((a, b) => b[1] - a[1])) {
    if (!points.has(code)) continue
    const [x, y] = view.at(points.get(code))
    const r = 2.5 + 9 * Math.sqrt(trains / strongest)
    svg.append(s('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: r.toFixed(1), class: 'symbol', fill: code === city ? 'var(--kapok)' : 'var(--ink)', 'data-place': code, onclick: () => change({ city: code === city ? null : code }) }))
    spots.push({ x, y, r, text: name(code).replace(/市$/, '') })
  }
  svg.append(placeNames(view, spots))
  if (links.length) show(links.at(-1))
  const alone = [...points.keys()].filter((code) => code.startsWith('44') && code.endsWith('00') && !strength.has(code) && placeMap.get(code)?.place_level === 'prefecture')
  return h(
    'div',
    { class: 'map-layout' },
    figure({
      id: 'rail-map',
      level: 2,
      title: L(`直达列车，${day.service_date}（${word(day.day_type)}）`, `Direct trains, ${day.service_date} (${word(day.day_type)})`),
      note: mapNote(false),
      chart: exportable(h('div', { class: 'mapbox' }, svg), svg),
    }),
    h(
      'div',
      { class: 'map-side' },
      card,
      h('p', { class: 'legend-note' }, L('线宽：两方向直达车次之和；圆：该市全部直达车次。点圆只看一市。', 'Width: direct trains of both directions; discs: all direct trains of a city. Click a disc to see one city alone.')),
      alone.length ? h('p', { class: 'note' }, L(`当日没有省内直达车的地级市：${alone.map(name).join('、')}。`, `Cities without a direct train within the province that day: ${alone.map(name).join(', ')}.`)) : null,
      h('p', { class: 'note' }, L('12306 不含地铁（如广佛线）。', 'Metro lines such as the Guangzhou–Foshan line are not in 12306.')),
    ),
  )
}

function pairTable(shown, day, name, sourceOf) {
  const column = (label, field, text) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(text ? text(row[field]) : number(row[field]), row[field], sourceOf(row)) })
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('城市对', 'City pairs')), h('p', null, L(`${shown.length} 个方向对`, `${shown.length} directed pairs`))),
    table({
      name: `${L('城市对', 'pairs')} ${day.service_date}`,
      caption: L('城市对直达列车', 'Direct trains by pair'),
      rows: shown,
      sortBy: 2,
      descending: true,
      limit: 25,
      columns: [
        { label: L('出发', 'From'), value: (row) => name(row.origin_code) },
        { label: L('到达', 'To'), value: (row) => name(row.destination_code) },
        column(L('直达车次', 'Direct trains'), 'direct_trains'),
        column(L('其中 G/D/C', 'Of these G/D/C'), 'gdc_trains'),
        column(L('首班', 'First'), 'first_departure_minute', clock),
        column(L('末班', 'Last'), 'last_departure_minute', clock),
        column(L('最快（分）', 'Fastest (min)'), 'fastest_minutes'),
        column(L('中位（分）', 'Median (min)'), 'median_minutes'),
      ],
    }),
  )
}

/** Origins down, destinations across. */
function matrixFigure(pairs, day, inside, only, name, sourceOf) {
  const codes = [...new Set(pairs.flatMap((row) => [row.origin_code, row.destination_code]))]
    .filter((code) => !only || inside.has(code))
    .sort((a, b) => inside.has(b) - inside.has(a) || a.localeCompare(b))
  const cell = new Map(pairs.map((row) => [`${row.origin_code} ${row.destination_code}`, row]))
  const most = Math.max(...pairs.map((row) => row.direct_trains), 1)
  const step = (trains) => Math.max(1, Math.min(7, Math.ceil(7 * Math.sqrt(trains / most))))
  return h(
    'section',
    null,
    h('div', { class: 'section-head' }, h('h2', null, L('矩阵', 'The matrix')), h('p', null, L('行：出发；列：到达；空格为当日无直达车', 'Rows depart, columns arrive; empty means no direct train that day'))),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': L('直达列车矩阵', 'Matrix of direct trains') },
      h(
        'table',
        { class: 'matrix' },
        h('thead', null, h('tr', null, h('td'), codes.map((code) => h('th', { scope: 'col' }, name(code).replace(/市$/, ''))))),
        h(
          'tbody',
          null,
          codes.map((from) =>
            h('tr', null, h('th', { scope: 'row' }, name(from).replace(/市$/, '')), codes.map((to) => {
              const row = cell.get(`${from} ${to}`)
              if (!row) return h('td')
              const n = step(row.direct_trains)
              return h('td', { vars: { '--cell': `var(--ramp-${n})`, '--on': `var(--on-ramp-${n})` } }, num(number(row.direct_trains), row.direct_trains, sourceOf(row)))
            })),
          ),
        ),
      ),
    ),
  )
}

// Beyond this many stops a list of trains would cost the reader more than it tells.
const MOST_STOPS = 400_000

/** The trains that were counted, by the rule itself, where the release holds stops and services. */
async function trainList(row) {
  const stopsTable = described('tidy.rail_stop_time')
  if (!stopsTable || stopsTable.parts || stopsTable.rows > MOST_STOPS || !has('tidy.rail_service')) return null
  const ends = new Set([row.origin_code, row.destination_code])
  const [stops, services, trains, stations] = await Promise.all([
    rows('tidy.rail_stop_time', undefined, ['timetable', 'edition', 'train_no', 'stop_seq', 'stop_raw', 'telecode', 'place_code', 'depart_minutes', 'depart_day']),
    rows('tidy.rail_service', undefined, ['timetable', 'edition', 'train_no', 'start_date']),
    rows('tidy.rail_train', undefined, ['timetable', 'edition', 'train_no', 'codes']),
    rows('tidy.rail_station', undefined, ['telecode', 'station_name_zh']),
  ])
  const key = (one) => `${one.timetable} ${one.edition} ${one.train_no}`
  const starts = new Set(services.map((one) => `${key(one)} ${one.start_date}`))
  const codes = new Map(trains.map((one) => [key(one), one.codes]))
  const called = new Map(stations.map((one) => [one.telecode, one.station_name_zh]))
  const station = (stop) => called.get(stop.telecode) ?? stop.stop_raw
  const startOf = (days) => new Date(Date.parse(row.service_date) - days * 864e5).toISOString().slice(0, 10)
  const counted = new Map()
  const here = stops.filter((stop) => stop.timetable === row.timetable && ends.has(stop.place_code))
  for (const [train, list] of groups(here, key)) {
    list.sort((a, b) => a.stop_seq - b.stop_seq)
    const from = list.find((stop) => stop.place_code === row.origin_code && stop.depart_minutes !== null && starts.has(`${train} ${startOf(stop.depart_day ?? 0)}`))
    const to = from && list.find((stop) => stop.place_code === row.destination_code && stop.stop_seq > from.stop_seq)
    // The same train may stand in two editions of a timetable: it runs once.
    if (to) counted.set(from.train_no, `${codes.get(train) ?? from.train_no} ${station(from)}→${station(to)}`)
  }
  if (!counted.size) return null
  const list = [...counted.values()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return h(
    'section',
    null,
    h('h3', null, L(`按规则当日计入的列车（${list.length}）`, `The trains that the rule counts that day (${list.length})`)),
    h('p', { class: 'trains', 'data-trains': list.length }, list.join(L('；', '; '))),
  )
}

const dayOf = (day) => ({ service_date: { $eq: new Date(`${day.service_date}T00:00:00Z`) } })

const part = (title, text, body) => h('section', null, h('div', { class: 'section-head' }, h('h2', null, title), h('p', null, text)), body)

/** Reach, place in the network, window medians and economic links, as far as the release has them. */
async function further({ day, name, city, circleId, only, params, pairs, sourceOf }) {
  const touches = (row) => !city || [row.origin_code, row.destination_code, row.place_code].includes(city)
  return [
    await reach({ day, name, circleId, touches, params, pairs, sourceOf }),
    part(
      L('网络中的位置', 'Place in the network'),
      L('强度：两方向直达车次之和', 'Strength: direct trains of both directions'),
      has('rail_network_city_day')
        ? await released('rail_network_city_day', {
            where: dayOf(day),
            keep: (row) => row.region_id === (only ? circleId : '440000') && touches(row),
            name,
            columns: ['place_code', 'strength_rank', 'strength', 'strength_share', 'linked_cities', 'strongest_trains', 'strength_outside', 'layer', 'dominant_code'],
            labels: { place_code: L('城市', 'City') },
            sortBy: 'strength',
            limit: 12,
          })
        : missingTable('rail_network_city_day', L('加权度、圈内圈外强度、层级。', 'Weighted degree, strength within and across circles, layers.')),
    ),
    part(
      L('窗口中位数', 'Window medians'),
      L('一个时刻表窗口内所存各日', 'over the days held of a timetable window'),
      has('rail_city_pair_window')
        ? await released('rail_city_pair_window', {
            keep: (row) => row.timetable === day.timetable && row.place_level === 'prefecture' && row.day_type === 'all' && touches(row),
            name,
            columns: ['timetable', 'first_date', 'last_date', 'days_counted', 'days_in_window', 'origin_code', 'destination_code', 'median_trains', 'min_trains', 'max_trains', 'days_with_train', 'fastest_minutes', 'median_minutes'],
            sortBy: 'median_trains',
            limit: 12,
          })
        : missingTable('rail_city_pair_window', L('每个时刻表窗口内各城市对的中位数与日型中位数。', 'Medians of each pair over a timetable window, and by kind of day.')),
    ),
    part(L('经济联系（引力模型）', 'Economic links (gravity)'), '', await economicLinks(circleId, params, name)),
  ]
}

const REACH = { lower_bound_within: 'good', fails_by_rail: 'bad', no_service: 'warn', no_station: 'warn' }

/** The plans' “within one hour”, by rail, among the members of the circle. */
async function reach({ day, name, circleId, touches, params, pairs, sourceOf }) {
  const title = L('一小时可达', 'Within one hour')
  if (!has('rail_reach')) return part(title, '', missingTable('rail_reach', L('各规划中心之间最快的铁路分钟数，对照“1小时通达”。', 'Fastest rail minutes between the plans’ centres, against “within one hour”.')))
  const all = await rows('rail_reach', dayOf(day))
  const list = all.filter((row) => row.circle_id === circleId && touches(row))
  if (!all.length) {
    const held = [...new Set((await rows('rail_reach', undefined, ['service_date'])).map((row) => row.service_date))].sort()
    return part(title, '', gap(L('这一天未检验', 'Not tested on this day'), L('只在参考日检验：', 'Tested on reference dates:'), h('span', null, held.map((date) => [h('a', { href: linkTo('rail', { ...params, day: date, daytype: null }) }, date), ' ']))))
  }
  if (!list.length) return part(title, '', gap(L('此圈未检验', 'Not tested for this circle'), L('只对规划提出此目标的圈检验。', 'Tested for the circles whose plans set the goal.')))
  const counted = [...groups(list, 'status')].sort((a, b) => b[1].length - a[1].length)
  const direct = new Map(pairs.map((row) => [`${row.origin_code} ${row.destination_code}`, row]))
  const pairText = (row) => `${name(row.origin_code)} → ${name(row.destination_code)} · ${day.service_date}`
  const itself = (row) => ({ kind: 'row', table: 'rail_reach', row: { ...row, document: row.timetable, edition: row.service_date }, title: pairText(row), value: row.best_minutes === null ? null : `${row.best_minutes} ${L('分钟', 'min')}`, note: word(row.status) })
  // Direct trains open the day's pair with its trains; a journey with a change opens the row itself.
  const source = (row, field) => {
    const pair = field.startsWith('direct') && direct.get(`${row.origin_code} ${row.destination_code}`)
    return pair ? sourceOf(pair) : itself(row)
  }
  const minutes = (label, field) => ({ label, numeric: true, value: (row) => row[field], cell: (row) => num(number(row[field]), row[field], source(row, field)) })
  return part(
    title,
    counted.map(([status, of]) => `${word(status)} ${of.length}`).join(' · '),
    [
      h('p', { class: 'note' }, L(`站到站的分钟数是门到门的下界：不足 ${list[0].limit_minutes} 分钟不等于一小时通达；换乘至少 ${list[0].min_change_minutes} 分钟，不计市内换站。`, `Minutes from station to station bound the door-to-door time from below: under ${list[0].limit_minutes} does not prove the hour. A change takes at least ${list[0].min_change_minutes} minutes; changes between stations of a city are not made.`)),
      table({
        name: `${L('一小时可达', 'within one hour')} ${circleId} ${day.service_date}`,
        caption: title,
        rows: list,
        sortBy: 5,
        descending: true,
        limit: 15,
        columns: [
          { label: L('出发', 'From'), value: (row) => name(row.origin_code) },
          { label: L('到达', 'To'), value: (row) => name(row.destination_code) },
          minutes(L('直达车次', 'Direct trains'), 'direct_trains'),
          minutes(L('直达最快（分）', 'Direct, fastest (min)'), 'direct_minutes'),
          minutes(L('一次换乘最快（分）', 'One change, fastest (min)'), 'one_change_minutes'),
          minutes(L('最快（分）', 'Best (min)'), 'best_minutes'),
          { label: L('判定', 'Verdict'), value: (row) => word(row.status), cell: (row) => tag(word(row.status), REACH[row.status]) },
        ],
      }),
    ],
  )
}
