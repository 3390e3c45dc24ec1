// A released table as it is, with its own columns and words: for marts that need no picture.
import { by, described, rows } from '../data.js'
import { h } from '../dom.js'
import { L, named, number, percent, sectionSet, unitText, word } from '../format.js'
import { indicators, places, publication, publishedIn, said } from '../reference.js'
import { gap, num, table } from '../ui.js'

const HIDDEN = /(_sha256|snapshot_id|locator|read_from|fact_id)$|_name_(zh|en)$/
const SENTENCE = /^(reason|note|cause|method|detail|rule|output_basis|licence|not_official_reason)$/

/** The table's dictionary words for its columns, by column name. */
async function columnWords(tableName) {
  const list = await rows('meta.column_dictionary')
  const own = list.filter((row) => row.table_name === tableName || row.table_name === `main.${tableName}`)
  return new Map(own.map((row) => [row.column_name, row]))
}

/** `origin_code` reads as “origin”, `fastest_minutes` as “fastest minutes”. */
const plainName = (column) => {
  const text = column.replace(/_(code|id|zh|en)$/, '').replaceAll('_', ' ')
  return text[0].toUpperCase() + text.slice(1)
}

/**
 * The rows of `tableName` that `keep` keeps, as a table. `where` prunes what is fetched; `columns`
 * chooses and orders them, {column: label} renames; `name` turns a place code into words.
 */
export async function released(tableName, { where, keep = () => true, name = (code) => code, columns: chosen = null, labels = {}, limit = 20, sortBy = null, descending = true }) {
  const [list, words, indicatorMap, circleMap, placeMap] = await Promise.all([rows(tableName, where), columnWords(tableName), indicators(), rows('circle').then((found) => by(found, 'circle_id')), places()])
  const placeByName = new Map([...placeMap.values()].map((place) => [place.place_name_zh, place]))
  const valueText = (column, value, row) => {
    if (column === 'indicator_id') return named(indicatorMap.get(value), 'name') || word(value)
    if (/(circle|core|area|region)_id$/.test(column)) return named(circleMap.get(value), 'circle_name') || name(value) || value
    if (column.endsWith('_code')) return name(value) || value
    if (column === 'document' || column === 'timetable') return publication(value, column === 'document' ? null : undefined)
    if (column === 'series' || column === 'rate_series') return publishedIn(value)
    if (column === 'section_set') return sectionSet(value)
    if (column === 'unit') return unitText(value)
    if (column.endsWith('_names')) return value.split('、').map((zh) => named(placeByName.get(zh), 'place_name') || zh).join(L('、', ', '))
    return SENTENCE.test(column) ? said(value) : word(value)
  }
  const shown = list.filter(keep)
  if (!shown.length) return gap(L('所选范围内没有数', 'Nothing for this choice'), tableName)
  const schema = described(tableName).schema.map((column) => column.name)
  // A column that says the same in every row is said once, above.
  const same = (column) => shown.every((row) => row[column] === shown[0][column])
  const visible = (chosen ?? schema).filter((column) => schema.includes(column) && !HIDDEN.test(column))
  const constant = shown.length > 1 ? visible.filter((column) => same(column) && shown[0][column] !== null && shown[0][column] !== false) : []
  const columns = visible.filter((column) => !constant.includes(column) && !shown.every((row) => row[column] === null || row[column] === false))
  const label = (column) => labels[column] ?? L(words.get(column)?.description_zh || plainName(column), plainName(column)).replace(/(代码|标识)$/, '')
  const cell = (row, column) => {
    const value = row[column]
    if (value === null || value === '') return h('span', { class: 'none' }, '—')
    if (typeof value === 'boolean') return value ? '✓' : ''
    if (typeof value !== 'number') return valueText(column, value, row)
    if (/(^|_)year(_|$)/.test(column)) return String(value)
    const text = /_share$|^share_/.test(column) ? percent(value, 1) : number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 3 : 1)
    return num(text, value, { kind: 'row', table: tableName, row, title: L(words.get(column)?.description_zh || plainName(column), plainName(column)) })
  }
  const title = L(described(tableName).description_zh, null) ?? plainName(tableName)
  return h(
    'div',
    { class: 'released' },
    constant.length
      ? h('p', { class: 'note' }, constant.map((column) => `${label(column)}${L('：', ': ')}${typeof shown[0][column] === 'number' ? shown[0][column] : shown[0][column] === true ? L('是', 'yes') : valueText(column, shown[0][column], shown[0])}`).join(' · '))
      : null,
    table({
      name: tableName,
      caption: title,
      rows: shown,
      limit,
      sortBy: sortBy === null ? null : columns.indexOf(sortBy),
      descending,
      columns: columns.map((column) => ({
        label: label(column),
        numeric: shown.some((row) => typeof row[column] === 'number'),
        value: (row) => (typeof row[column] === 'string' ? valueText(column, row[column], row) : row[column]),
        cell: (row) => cell(row, column),
        className: SENTENCE.test(column) ? 'reason' : /_date$|_on$|^period_/.test(column) ? 'date' : undefined,
      })),
    }),
  )
}
