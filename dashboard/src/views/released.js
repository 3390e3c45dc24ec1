// A released table as it is, with its own columns and words: for marts that have no picture yet.
import { by, described, rows } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, word } from '../format.js'
import { indicators } from '../reference.js'
import { gap, num, table } from '../ui.js'

const HIDDEN = /(_sha256|snapshot_id|locator|read_from|fact_id)$|_name_(zh|en)$/

/** The table's dictionary words for its columns, by column name. */
async function columnWords(tableName) {
  const list = await rows('meta.column_dictionary')
  const own = list.filter((row) => row.table_name === tableName || row.table_name === `main.${tableName}`)
  return new Map(own.map((row) => [row.column_name, row]))
}

/**
 * The rows of `tableName` that `keep` keeps, as a table. `where` prunes what is fetched; `name` turns
 * a place code into words; `source(row, column)` may say where a number comes from.
 */
export async function released(tableName, { where, keep = () => true, name = (code) => code, most = 12, limit = 20, sortBy = null }) {
  const [list, words, indicatorMap, circleMap] = await Promise.all([rows(tableName, where), columnWords(tableName), indicators(), rows('circle').then((found) => by(found, 'circle_id'))])
  const idText = (column, value) => {
    if (column === 'indicator_id') return named(indicatorMap.get(value), 'name') || word(value)
    if (/(circle|core|area)_id$/.test(column)) return named(circleMap.get(value), 'circle_name') || name(value) || value
    return column.endsWith('_code') ? name(value) || value : word(value)
  }
  const shown = list.filter(keep)
  if (!shown.length) return gap(L('所选范围内没有数', 'Nothing for this choice'), tableName)
  const schema = described(tableName).schema.map((column) => column.name)
  // A column that says the same in every row is said once, above.
  const same = (column) => shown.every((row) => row[column] === shown[0][column])
  const visible = schema.filter((column) => !HIDDEN.test(column))
  const constant = shown.length > 1 ? visible.filter((column) => same(column) && shown[0][column] !== null) : []
  const columns = visible.filter((column) => !constant.includes(column) && !shown.every((row) => row[column] === null)).slice(0, most)
  const label = (column) => {
    const entry = words.get(column)
    return (entry && L(entry.description_zh, null)) || column.replaceAll('_', ' ')
  }
  const cell = (row, column) => {
    const value = row[column]
    if (value === null) return h('span', { class: 'none' }, '—')
    if (typeof value === 'boolean') return value ? '✓' : ''
    if (typeof value === 'number') {
      if (/(^|_)year(_|$)/.test(column)) return String(value)
      return num(number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 3 : 1), value, { kind: 'row', table: tableName, row, title: tableName.replaceAll('_', ' ') })
    }
    return idText(column, value)
  }
  return h(
    'div',
    null,
    constant.length
      ? h('p', { class: 'note' }, constant.map((column) => `${label(column)}${L('：', ': ')}${idText(column, shown[0][column])}`).join(' · '))
      : null,
    table({
      name: tableName,
      caption: tableName.replaceAll('_', ' '),
      rows: shown,
      limit,
      sortBy: sortBy === null ? null : columns.indexOf(sortBy),
      descending: true,
      columns: columns.map((column) => ({
        label: label(column),
        numeric: shown.some((row) => typeof row[column] === 'number'),
        value: (row) => row[column],
        cell: (row) => cell(row, column),
        className: /reason|note/.test(column) ? 'reason' : undefined,
      })),
    }),
  )
}
