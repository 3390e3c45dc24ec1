// Where a number comes from: document, edition, place in it, the file we read, the value as
// printed, and for a made value its inputs, each of which opens in turn.
import { by, described, has, rows, urlOf } from './data.js'
import { h } from './dom.js'
import { L, digitsOf, named, needed, number, unitText, word } from './format.js'
import { definition, documents, indicators, places, published, said } from './reference.js'

let dialog = null
let trail = []
let opener = null

/** The dialog itself; main.js puts it into the page once. */
export function sourceDialog() {
  dialog = h('dialog', { class: 'source', 'aria-labelledby': 'source-title' })
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close())
  dialog.addEventListener('close', () => {
    trail = []
    opener?.focus?.()
  })
  return dialog
}

/**
 * Opens the source of one number. Kinds: `circle` and `city` (rows of circle_indicator_year and of
 * city_indicator_*), `fact` (any fact_id), `figure`, `target`, `row` (any table with a locator).
 */
export async function openSource(source) {
  if (!dialog.open) opener = document.activeElement
  trail.push(source)
  if (!dialog.open) dialog.showModal()
  dialog.setAttribute('aria-busy', 'true')
  dialog.replaceChildren(frame(L('正在查找来源…', 'Looking the source up…')))
  let parts
  try {
    parts = await describe(source)
  } catch (error) {
    parts = { title: L('来源无法读取', 'The source cannot be read'), body: [h('p', null, String(error))] }
  }
  if (trail.at(-1) !== source) return
  dialog.removeAttribute('aria-busy')
  dialog.replaceChildren(frame(parts.title, parts.value, ...parts.body))
  dialog.querySelector('h2').focus()
}

function back() {
  trail.pop()
  const previous = trail.pop()
  if (previous) openSource(previous)
}

const frame = (title, value, ...body) =>
  h(
    'div',
    { class: 'source-inner' },
    h(
      'div',
      { class: 'source-bar' },
      trail.length > 1 ? h('button', { type: 'button', class: 'quiet', onclick: back }, L('← 返回', '← Back')) : h('span', { class: 'kicker' }, L('来源', 'Source')),
      h('button', { type: 'button', class: 'close', 'aria-label': L('关闭', 'Close'), onclick: () => dialog.close() }, '×'),
    ),
    h('h2', { id: 'source-title', tabindex: -1 }, title),
    value ? h('p', { class: 'source-value' }, value) : null,
    ...body,
  )

/** A list of terms; what has no value is left out. */
export const terms = (pairs) =>
  h(
    'dl',
    { class: 'terms' },
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([name, value]) => [h('dt', null, name), h('dd', null, value)]),
  )

const section = (title, ...body) => h('section', null, h('h3', null, title), ...body)

const exact = (value) => number(value, needed(value))
const interval = (low, high) =>
  low === null || low === undefined ? null : `[${exact(low)}, ${exact(high)}]`

const shown = (value, unit) =>
  value === null || value === undefined ? '—' : `${exact(value)} ${unitText(unit)}`

async function describe(source) {
  if (source.kind === 'circle') return ofCircle(source.row)
  if (source.kind === 'city') return ofCity(source.row)
  if (source.kind === 'fact') return ofFact(source.id, source.title)
  if (source.kind === 'figure') return ofFigure(source.row)
  if (source.kind === 'target') return ofTarget(source.row)
  return ofRow(source)
}

async function documentTerms(row) {
  const list = await documents()
  const found = list.find((d) => d.document === row.document && (!row.edition || d.edition === row.edition))
  return [
    [L('文献', 'Document'), found ? `${named(found, 'name')}${found.publisher ? ` · ${found.publisher}` : ''}` : row.document],
    [L('版次', 'Edition'), row.edition],
    [L('出版日期', 'Published'), row.published_on ? `${row.published_on}${row.published_on_precision ? ` (${word(row.published_on_precision)})` : ''}` : found?.published_on],
    [L('许可', 'Licence'), said(found?.licence)],
  ]
}

async function fileTerms(row) {
  const snapshots = row.snapshot_id ? by(await rows('meta.snapshot'), 'snapshot_id') : new Map()
  const snapshot = snapshots.get(row.snapshot_id)
  return [
    [L('文献内位置', 'Place in the document'), row.locator],
    [L('读自文件', 'Read from'), row.read_from ? `${row.read_from}${row.read_locator ? ` ${row.read_locator}` : ''}` : null],
    [L('文件 SHA-256', 'File SHA-256'), row.read_sha256 ? h('code', null, `${row.read_sha256.slice(0, 16)}…`) : null],
    [L('本库文件', 'Held in'), snapshot ? snapshot.file : null],
    [L('快照', 'Snapshot'), row.snapshot_id ? h('code', null, row.snapshot_id) : null],
    [L('来源种类', 'Kind of source'), row.source_kind ? word(row.source_kind) : null],
  ]
}

async function ofCity(row) {
  // A row that holds only some columns is found again by its key.
  const held = row.fact_id === undefined ? await bestFact(row) : row
  const [indicatorList, full] = await Promise.all([indicators(), cityFact(held)])
  const indicator = indicatorList.get(row.indicator_id)
  const fact = full ?? held
  const body = []
  if (indicator?.definition) body.push(h('p', { class: 'definition' }, definition(indicator)))
  if (fact.value_text)
    body.push(
      section(
        L('印刷值', 'As printed'),
        h('p', { class: 'printed' }, h('q', null, fact.value_text), ` ${fact.unit_raw ?? ''}`),
      ),
    )
  body.push(
    section(L('出处', 'Where it stands'), terms([
      ...(await documentTerms(fact)),
      ...(await fileTerms(fact)),
      [L('口径', 'Scope'), fact.scope ? word(fact.scope) : null],
      [L('状态', 'Status'), fact.status ? word(fact.status) : null],
      [L('算法', 'Method'), said(fact.method)],
      [L('订正', 'Correction'), fact.correction_id],
      [L('说明', 'Note'), fact.note],
    ])),
  )
  if (fact.method) body.push(await inputs(fact.fact_id, [row.indicator_id, indicator?.numerator, indicator?.denominator]))
  body.push(await otherVintages(fact))
  return {
    title: `${named(fact, 'place_name')} · ${named(indicator, 'name') || row.indicator_id} · ${row.year}`,
    value: [shown(fact.value, fact.unit), h('small', null, interval(fact.value_low, fact.value_high))],
    body: body.filter(Boolean),
  }
}

async function cityFact(row) {
  const list = await rows('city_indicator_year', { indicator_id: { $eq: row.indicator_id } })
  return list.find((other) => other.fact_id === row.fact_id)
}

async function bestFact(row) {
  const list = await rows('city_indicator_best', { indicator_id: { $eq: row.indicator_id } })
  return list.find((other) => other.place_code === row.place_code && other.year === row.year)
}

async function otherVintages(fact) {
  const list = (await rows('city_indicator_year', { indicator_id: { $eq: fact.indicator_id } })).filter(
    (other) => other.place_code === fact.place_code && other.year === fact.year && other.fact_id !== fact.fact_id,
  )
  if (!list.length) return null
  list.sort((a, b) => String(a.published_on).localeCompare(String(b.published_on)))
  return section(
    L('同一数值的其他版次', 'The same cell in other editions'),
    h(
      'ul',
      { class: 'inputs' },
      list.map((other) =>
        h(
          'li',
          null,
          h('button', { type: 'button', class: 'num', onclick: () => openSource({ kind: 'city', row: other }) }, shown(other.value, other.unit)),
          h('span', null, ` ${published(other)} · ${word(other.scope)}${other.is_latest ? ` · ${L('最新', 'latest')}` : ''}${other.is_first_published ? ` · ${L('首次发布', 'first published')}` : ''}`),
        ),
      ),
    ),
  )
}

/** A row of circle_indicator_year; one that holds only some columns is fetched whole first. */
async function ofCircle(given) {
  const row =
    given.aggregation !== undefined
      ? given
      : (await rows('circle_indicator_year', { circle_id: { $eq: given.circle_id } })).find((other) => ['indicator_id', 'year', 'vintage'].every((name) => other[name] === given[name]))
  const list = await indicators()
  const indicator = list.get(row.indicator_id)
  const name = named(row, 'circle_name') || row.circle_id
  const cautions = [
    row.is_partial && L('成员不全', 'Members incomplete'),
    row.is_mixed_vintage && L('混合版次：不得用于计算增速', 'Mixed vintages: never feed growth'),
    row.is_estimate && L('含估计', 'Holds an estimate'),
    row.is_preliminary && L('初步核算', 'Preliminary'),
    row.rests_on_assumed_date && L('依赖推定出版日期', 'Rests on an assumed date'),
  ].filter(Boolean)
  return {
    title: `${name} · ${named(indicator, 'name') || row.indicator_id} · ${row.year}`,
    value: [shown(row.value, row.unit), h('small', null, interval(row.value_low, row.value_high))],
    body: [
      indicator?.definition ? h('p', { class: 'definition' }, definition(indicator)) : null,
      section(L('如何得出', 'How it is made'), terms([
        [L('版本', 'Vintage'), word(row.vintage)],
        [L('汇总规则', 'Aggregation'), word(row.aggregation)],
        [L('算法', 'Method'), said(row.method)],
        [L('成员', 'Members'), `${row.members_with_data} / ${row.members_total}`],
        [L('版次', 'Editions'), row.edition_min === row.edition_max ? row.edition_min : `${row.edition_min} – ${row.edition_max}`],
        [L('注意', 'Cautions'), cautions.join(L('；', '; '))],
      ])),
      await inputs(row.fact_id, [row.indicator_id, row.numerator, row.denominator, indicator?.weight]),
    ].filter(Boolean),
  }
}

/** Inputs of a made value, grouped by role; each opens its own source. */
async function inputs(factId, hints) {
  if (!factId || !has('meta.lineage')) return null
  const links = await rows('meta.lineage', { fact_id: { $eq: factId } })
  if (!links.length) return null
  const facts = await factRows(links.map((link) => link.input_fact_id), hints)
  const list = await indicators()
  const order = ['member', 'numerator', 'denominator', 'weight']
  const lines = links
    .map((link) => ({ ...link, fact: facts.get(link.input_fact_id) }))
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || String(a.fact?.place_code).localeCompare(String(b.fact?.place_code)))
  return section(
    L(`由 ${lines.length} 个数得出`, `Made of ${lines.length} numbers`),
    h(
      'div',
      { class: 'inputs-box', tabindex: 0, role: 'region', 'aria-label': L('输入', 'Inputs') },
        h(
          'table',
          { class: 'inputs-table' },
          h('thead', null, h('tr', null, [L('地区', 'Place'), L('指标', 'Indicator'), L('值', 'Value'), L('印刷值', 'As printed'), L('出处', 'Where')].map((text) => h('th', { scope: 'col' }, text)))),
          h(
            'tbody',
            null,
            lines.map(({ fact, role, input_fact_id: id }) =>
              fact
                ? h(
                    'tr',
                    null,
                    h('th', { scope: 'row' }, named(fact, 'place_name'), role === 'member' ? null : h('small', null, ` ${word(role)}`)),
                    h('td', null, named(list.get(fact.indicator_id), 'name') || fact.indicator_id),
                    h('td', { class: 'right' }, h('button', { type: 'button', class: 'num', 'data-value': String(fact.value), onclick: () => openSource({ kind: 'city', row: fact }) }, number(fact.value, digitsOf(fact.value, fact.value_low, fact.value_high, 4)))),
                    h('td', null, fact.value_text ? h('q', null, fact.value_text) : (said(fact.method) || '—'), ` ${fact.value_text ? fact.unit_raw : ''}`),
                    h('td', null, published(fact), h('small', null, ` ${fact.locator ?? ''}`)),
                  )
                : h('tr', null, h('th', { scope: 'row' }, word(role)), h('td', { colspan: 4 }, h('code', null, id))),
            ),
          ),
        ),
    ),
  )
}

/** City facts by id: first among the indicators that the rule names, then in the whole table. */
export async function factRows(ids, hints) {
  const wanted = new Set(ids)
  const named_ = [...new Set(hints.filter(Boolean).map((text) => text.replace(/@.*$/, '')))]
  const found = new Map()
  const take = (list) => list.forEach((row) => wanted.has(row.fact_id) && found.set(row.fact_id, row))
  for (const id of named_) take(await rows('city_indicator_year', { indicator_id: { $eq: id } }))
  if (found.size < wanted.size) take(await rows('city_indicator_year'))
  return found
}

async function ofFact(id, title) {
  const links = await rows('meta.lineage', { fact_id: { $eq: id } })
  const direct = (await factRows([id], [])).get(id)
  if (direct) return ofCity(direct)
  const circle = (await rows('circle_indicator_year', { fact_id: { $eq: id } }))[0]
  if (circle) return ofCircle(circle)
  return {
    title: title ?? L('所用事实', 'Fact'),
    body: [h('p', null, h('code', null, id)), links.length ? await inputs(id, []) : h('p', null, L('没有登记输入。', 'No inputs are recorded.'))],
  }
}

async function ofFigure(row) {
  const printed = (await rows('tidy.printed_figure')).find((other) => other.figure_id === row.figure_id) ?? {}
  const body = [
    section(L('印刷值', 'As printed'), h('p', { class: 'printed' }, h('q', null, row.printed_text)), terms([
      ...(await documentTerms(row)),
      ...(await fileTerms({ ...printed, locator: row.locator })),
      [L('表', 'Table'), printed.table_raw],
      [L('地区（原文）', 'Place as printed'), row.place_raw],
      [L('时期', 'Period'), row.period_text],
      [L('区间', 'Interval'), interval(row.interval_low, row.interval_high)],
    ])),
    section(L('重算', 'Recomputed'), terms([
      [L('版本', 'Vintage'), row.vintage === 'none' ? null : word(row.vintage)],
      [L('结果', 'Value'), row.computed_value === null ? null : shown(row.computed_value, row.unit)],
      [L('区间', 'Interval'), interval(row.computed_low, row.computed_high)],
      [L('判定', 'Verdict'), word(row.status)],
      [L('理由', 'Reason'), said(row.reason)],
      [L('版次', 'Editions'), row.edition_min ? `${row.edition_min} – ${row.edition_max}` : null],
    ])),
  ]
  if (row.computed_fact_id)
    body.push(h('p', null, h('button', { type: 'button', class: 'quiet', onclick: () => openSource({ kind: 'fact', id: row.computed_fact_id }) }, L('重算值由什么得出 →', 'What the recomputed value is made of →'))))
  return { title: `${row.figure_id} · ${row.place_raw} · ${row.indicator_raw}`, body }
}

async function ofTarget(row) {
  const printed = (await rows('tidy.policy_target')).find((other) => other.target_id === row.target_id) ?? {}
  const body = [
    section(L('目标原文', 'The target as printed'), h('p', { class: 'printed' }, h('q', null, `${printed.indicator_raw ?? ''} ${row.target_text ?? ''}`)), terms([
      ...(await documentTerms(row)),
      ...(await fileTerms({ ...printed, locator: row.locator })),
      [L('地区（原文）', 'Place as printed'), printed.place_raw],
      [L('期限', 'Horizon'), row.horizon_year],
    ])),
    section(L('进展', 'Progress'), terms([
      [L('最新值', 'Latest'), row.latest_value === null ? null : `${shown(row.latest_value, row.unit)} (${row.latest_year})`],
      [L('判定', 'Verdict'), word(row.status)],
      [L('理由', 'Reason'), said(row.reason)],
    ])),
  ]
  if (row.latest_fact_id)
    body.push(h('p', null, h('button', { type: 'button', class: 'quiet', onclick: () => openSource({ kind: 'fact', id: row.latest_fact_id }) }, L('最新值由什么得出 →', 'What the latest value is made of →'))))
  return { title: `${row.target_id} · ${printed.indicator_raw ?? row.indicator_id}`, body }
}

/** What walks the row back to print in a terminal. */
const explainCommand = (table, key, row) =>
  ['metrocircle explain', table, ...key.map((name) => `${name}=${/\s/.test(row[name]) ? `'${row[name]}'` : row[name]}`)].join(' ')

/** Any row that carries document, edition, snapshot and locator; `table` names where it lies. */
async function ofRow({ table, row, title, value, note, more }) {
  const placeList = await places()
  const place = placeList.get(row.place_code)
  const entry = described(table)
  const body = [
    note ? h('p', { class: 'definition' }, note) : null,
    section(L('出处', 'Where it stands'), terms([...(await documentTerms(row)), ...(await fileTerms(row)), [L('算法', 'Method'), said(row.method)]])),
    more ? await more() : null,
    section(
      L('发布表', 'Released table'),
      terms([
        [L('表', 'Table'), entry ? h('a', { href: urlOf(table), download: '' }, table) : table],
        ...(entry?.key ?? []).map((name) => [name, row[name] === null || row[name] === undefined ? null : String(row[name])]),
        [L('命令行', 'Command line'), entry ? h('code', null, explainCommand(table, entry.key, row)) : null],
      ]),
    ),
  ]
  if (row.fact_id) {
    const made = await inputs(row.fact_id, [])
    if (made) body.splice(2, 0, made)
  }
  return { title: title ?? named(place, 'place_name'), value, body: body.filter(Boolean) }
}
