// The release itself: what it holds, what was checked, what was refused, what is missing.
import { groups, release, rows, urlInRelease } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, word } from '../format.js'
import { circles, documents, indicators, places, said } from '../reference.js'
import { change } from '../state.js'
import { controls, gap, heading, num, select, table, tag } from '../ui.js'

const SHOWN = { pass: ['通过', 'Passed', 'good'], warn: ['警告', 'Warned', 'warn'], fail: ['失败', 'Failed', 'bad'], skip: ['跳过', 'Skipped', ''] }
const statusText = (status) => (SHOWN[status] ? L(SHOWN[status][0], SHOWN[status][1]) : word(status))

export async function render(params) {
  const manifest = release()
  const [ledger, rejects, gaps, docs, tables, columns, indicatorMap, circleMap, placeMap] = await Promise.all([
    rows('ledger'), rows('rejects'), rows('gap'), documents(), rows('meta.table_dictionary'), rows('meta.column_dictionary'), indicators(), circles(), places(),
  ])
  const fact = (label, value, text) => h('div', null, h('span', null, label), h('b', { class: text ? 'text' : null }, value))
  const states = [...groups(ledger, 'status')].sort((a, b) => a[1].length - b[1].length)
  const bad = ledger.filter((row) => row.status !== 'pass')
  return [
    heading(L('这一版里有什么，查过什么，缺什么', 'What this release holds, what was checked, what is missing'), L('数据质量', 'Data quality')),
    h(
      'div',
      { class: 'facts quad' },
      fact(L('发布版', 'Release'), h('code', null, manifest.release_id), true),
      fact(L('结构版本', 'Schema'), manifest.schema_version),
      fact(L('表', 'Tables'), number(Object.keys(manifest.tables).length)),
      fact(L('行', 'Rows'), number(manifest.rows)),
      fact(L('Parquet', 'Parquet'), `${number(Object.values(manifest.tables).reduce((sum, t) => sum + t.bytes, 0) / 1e6, 1)} MB`),
      fact(L('检查', 'Checks'), number(ledger.length)),
      fact(L('拒收', 'Rejects'), number(rejects.length)),
      fact(L('缺口', 'Gaps'), number(gaps.length)),
    ),
    h('p', { class: 'note' }, h('a', { href: urlInRelease('release.json') }, 'release.json'), ' · ', h('a', { href: urlInRelease('datapackage.json') }, 'datapackage.json'), ' · ', h('a', { href: urlInRelease('data_dictionary.csv') }, 'data_dictionary.csv'), ' · ', h('a', { href: urlInRelease('quality/index.html') }, L('检查结果页', 'results of the checks'))),
    section(L('检查台账', 'Ledger of checks'), states.map(([status, list]) => `${statusText(status)} ${list.length}`).join(' · '),
      bad.length ? checkTable(bad, L('未通过或有警告', 'Warned or failed')) : h('p', null, L('没有警告，没有失败。', 'No warning, no failure.')),
      h('details', { class: 'numbers', open: params.numbers === 'ledger' }, h('summary', null, L(`全部 ${ledger.length} 项检查`, `All ${ledger.length} checks`)), checkTable(ledger, L('全部检查', 'All checks')))),
    section(L('拒收', 'Rejects'), [...groups(rejects, 'severity')].map(([severity, list]) => `${word(severity)} ${list.length}`).join(' · '),
      rejects.length
        ? table({
            name: L('拒收', 'rejects'), caption: L('拒收', 'Rejects'), rows: rejects, limit: 12,
            columns: [
              { label: L('文件', 'File'), value: (row) => row.file, cell: (row) => broken(row.file), className: 'path' },
              { label: L('位置', 'Locator'), value: (row) => row.locator, cell: (row) => num(row.locator, row.locator, { kind: 'row', table: 'rejects', row: { ...row, document: null }, title: said(row.reason), value: row.raw_text }) },
              { label: L('原文', 'As found'), value: (row) => row.found },
              { label: L('应为', 'Expected'), value: (row) => said(row.expected), className: 'narrow' },
              { label: L('最近的候选', 'Nearest'), value: (row) => row.candidates, className: 'soft narrow' },
              { label: L('理由', 'Reason'), value: (row) => said(row.reason), className: 'reason' },
              { label: L('级别', 'Severity'), value: (row) => word(row.severity), cell: (row) => tag(word(row.severity), row.severity === 'error' ? 'bad' : 'warn') },
            ],
          })
        : h('p', null, L('没有拒收。', 'Nothing was rejected.'))),
    gapSection(gaps, params, indicatorMap, circleMap, placeMap),
    section(L('来源与许可', 'Sources and licences'), String(docs.length),
      table({
        name: L('来源', 'sources'), caption: L('来源', 'Sources'), rows: docs, limit: 15,
        columns: [
          { label: L('文献', 'Document'), value: (row) => named(row, 'name') },
          { label: L('版次', 'Edition'), value: (row) => row.edition },
          { label: L('发布者', 'Publisher'), value: (row) => row.publisher, className: 'narrow' },
          { label: L('出版', 'Published'), value: (row) => row.published_on, cell: (row) => [row.published_on ?? '—', row.published_on_precision === 'assumed' ? [' ', tag(L('推定', 'assumed'), 'warn')] : null] },
          { label: L('许可', 'Licence'), value: (row) => said(row.licence), className: 'reason' },
          { label: L('再分发', 'Redistribute'), value: (row) => word(row.redistribute) },
        ],
      })),
    dictionary(manifest, tables, columns, params),
  ]
}

/** A path or a slice may break after its separators, nowhere else. */
const broken = (text) => (text ?? '').split(/(?<=[/_]|--)/).flatMap((piece) => [piece, h('wbr')])

const section = (title, text, ...body) => h('section', null, h('div', { class: 'section-head' }, h('h2', null, title), h('p', null, text)), ...body)

const checkTable = (list, name) =>
  table({
    name, caption: name, rows: list, limit: 12,
    columns: [
      { label: L('规则', 'Rule'), value: (row) => row.rule_id, cell: (row) => h('code', null, row.rule_id), className: 'narrow' },
      { label: L('表', 'Table'), value: (row) => row.table_name },
      { label: L('切片', 'Slice'), value: (row) => row.slice, cell: (row) => broken(row.slice), className: 'soft path' },
      { label: L('引擎', 'Engine'), value: (row) => word(row.engine), className: 'soft' },
      { label: L('状态', 'Status'), value: (row) => row.status, cell: (row) => tag(statusText(row.status), SHOWN[row.status]?.[2]) },
      { label: L('所见', 'Observed'), value: (row) => said(row.observed), className: 'reason' },
      { label: L('应为', 'Expected'), value: (row) => row.expected, className: 'reason' },
      { label: L('未过行数', 'Failing rows'), numeric: true, value: (row) => row.failing_rows },
    ],
  })

/** Gaps by what needs them, then one by one. */
function gapSection(gaps, params, indicatorMap, circleMap, placeMap) {
  const byNeed = [...groups(gaps, (row) => row.indicator_id)].sort((a, b) => b[1].length - a[1].length)
  const id = byNeed.some(([i]) => i === params.gap) ? params.gap : byNeed[0]?.[0]
  const list = gaps.filter((row) => row.indicator_id === id)
  const most = byNeed[0]?.[1].length ?? 1
  if (!gaps.length) return section(L('缺口', 'Gaps'), '0', gap(L('没有登记的缺口', 'No gap is recorded')))
  return section(L('缺口', 'Gaps'), L(`${number(gaps.length)} 个，${byNeed.length} 项指标`, `${number(gaps.length)} over ${byNeed.length} indicators`),
    h('ol', { class: 'bars' }, byNeed.slice(0, 12).map(([i, of]) =>
      h('li', { class: i === id ? 'chosen' : '' },
        h('button', { type: 'button', class: 'bar-name', id: `gap-${i}`, 'aria-pressed': String(i === id), onclick: () => change({ gap: i }) }, named(indicatorMap.get(i), 'name') || i),
        h('span', { class: 'bar-track', 'aria-hidden': 'true' }, h('i', { vars: { '--w': `${((100 * of.length) / most).toFixed(1)}%` } })),
        h('span', { class: 'bar-value' }, number(of.length))))),
    controls(select('gap', L('指标', 'Indicator'), byNeed.map(([i, of]) => ({ value: i, label: `${named(indicatorMap.get(i), 'name') || i} (${of.length})` })), id)),
    table({
      name: `${L('缺口', 'gaps')} ${id}`, caption: L('缺口', 'Gaps'), rows: list, limit: 12,
      columns: [
        { label: L('地区', 'Place'), value: (row) => named(placeMap.get(row.place_code), 'place_name') || row.place_code },
        { label: L('圈', 'Circle'), value: (row) => named(circleMap.get(row.circle_id), 'circle_name') || row.circle_id },
        { label: L('年份', 'Year'), value: (row) => row.year },
        { label: L('何处需要', 'Needed by'), value: (row) => row.needed_by, className: 'soft' },
        { label: L('理由', 'Reason'), value: (row) => said(row.reason), className: 'reason' },
        { label: L('可补自', 'Would be filled by'), value: (row) => said(row.would_be_filled_by), className: 'reason' },
      ],
    }))
}

/** Every released table with its columns: the schema browser. */
function dictionary(manifest, tables, columns, params) {
  const about = new Map(tables.map((row) => [row.table_name, row]))
  const names = Object.keys(manifest.tables)
  const chosen = names.includes(params.table) ? params.table : names.find((n) => n === 'main.circle_indicator_year') ?? names[0]
  const entry = manifest.tables[chosen]
  const find = (list) => list.filter((row) => row.table_name === chosen || row.table_name === chosen.replace(/^main\./, ''))
  const described = about.get(chosen) ?? about.get(chosen.replace(/^main\./, ''))
  const own = find(columns)
  return section(L('表与列', 'Tables and columns'), L(`${names.length} 张表`, `${names.length} tables`),
    controls(select('table', L('表', 'Table'), ['main', 'tidy', 'meta'].map((schema) => ({ label: schema, options: names.filter((n) => n.startsWith(`${schema}.`)).map((n) => ({ value: n, label: `${n.slice(5)} (${number(manifest.tables[n].rows)})` })) })), chosen)),
    h('p', { class: 'lede' }, L(described?.description_zh, described?.description_en) ?? ''),
    h('p', { class: 'note' }, L('键', 'Key'), ': ', h('code', null, entry.key.join(', ')), ' · ', number(entry.rows), L(' 行', ' rows'), ' · ', h('a', { href: urlInRelease(entry.parts?.[0] ?? entry.path), download: '' }, entry.path), ` (${number(entry.bytes / 1000, 0)} kB) · SHA-256 `, h('code', null, entry.content_hash.slice(0, 12))),
    table({
      name: chosen, caption: chosen, limit: 80,
      rows: own.length ? own : entry.schema.map((c) => ({ column_name: c.name, data_type: c.type, unit: c.unit })),
      columns: [
        { label: L('列', 'Column'), value: (row) => row.column_name, cell: (row) => h('code', null, row.column_name) },
        { label: L('类型', 'Type'), value: (row) => row.data_type, className: 'soft' },
        { label: L('单位', 'Unit'), value: (row) => (row.unit === 'none' ? '' : row.unit) },
        { label: L('说明', 'Meaning'), value: (row) => L(row.description_zh, row.description_en), className: 'reason' },
      ],
    }))
}
