// The parts every view is made of: numbers that show their source, controls, tables, figures.
import { download, h } from './dom.js'
import { L, number } from './format.js'
import { change, read } from './state.js'
import { framed } from './picture.js'
import { openSource } from './source.js'

/**
 * A number that opens its source. `source` is what source.js understands; `data-value` holds the
 * value exactly as the release has it, whatever decimals are shown.
 */
export function num(text, value, source, extra) {
  if (value === null || value === undefined) return h('span', { class: 'none' }, '—')
  return h(
    'button',
    {
      type: 'button',
      class: `num ${extra ?? ''}`,
      'data-value': String(value),
      title: L('查看来源', 'Show the source'),
      'aria-haspopup': 'dialog',
      onclick: (event) => {
        event.stopPropagation()
        openSource(source)
      },
    },
    text,
  )
}

/** One choice of few: radio buttons drawn as one strip. */
export function segmented(name, label, options, chosen) {
  return h(
    'fieldset',
    { class: 'segmented' },
    h('legend', null, label),
    h(
      'div',
      { class: 'strip' },
      options.map((option) =>
        h(
          'label',
          { title: option.title },
          h('input', {
            type: 'radio',
            name,
            id: `${name}-${option.value}`,
            value: option.value,
            checked: option.value === chosen,
            disabled: option.disabled,
            onchange: () => change({ [name]: option.value, ...option.also }),
          }),
          h('span', null, option.label),
        ),
      ),
    ),
  )
}

/** One choice of many. Options may be grouped: [{label, options: [{value, label}]}]. */
export function select(name, label, options, chosen) {
  const option = (entry) =>
    entry.options
      ? h('optgroup', { label: entry.label }, entry.options.map(option))
      : h('option', { value: entry.value, selected: entry.value === chosen, disabled: entry.disabled }, entry.label)
  return h(
    'label',
    { class: 'field' },
    h('span', null, label),
    h(
      'select',
      { id: `f-${name}`, onchange: (event) => change({ [name]: event.target.value }) },
      options.map(option),
    ),
  )
}

/** A year among those that have data; the others are shown as missing. */
export function yearSlider(name, label, years, chosen) {
  const index = Math.max(0, years.indexOf(Number(chosen)))
  const step = (by) => {
    const next = years[index + by]
    if (next !== undefined) change({ [name]: next })
  }
  return h(
    'div',
    { class: 'field year' },
    h('label', { for: `f-${name}` }, label),
    h(
      'div',
      { class: 'yearbox' },
      h('button', { type: 'button', class: 'step', id: `${name}-back`, disabled: index === 0, 'aria-label': L('前一年', 'Earlier year'), onclick: () => step(-1) }, '‹'),
      h('output', { for: `f-${name}` }, String(years[index] ?? '—')),
      h('button', { type: 'button', class: 'step', id: `${name}-on`, disabled: index >= years.length - 1, 'aria-label': L('后一年', 'Later year'), onclick: () => step(1) }, '›'),
      h('input', {
        type: 'range',
        id: `f-${name}`,
        min: 0,
        max: Math.max(0, years.length - 1),
        value: index,
        'aria-valuetext': String(years[index]),
        onchange: (event) => change({ [name]: years[event.target.value] }),
      }),
    ),
  )
}

/** An honest gap: what is missing, why, and what would fill it. */
export const gap = (title, ...text) =>
  h('div', { class: 'gap', role: 'note' }, h('strong', null, title), ...text.map((part) => h('p', null, part)))

/** A table this release does not have. */
export const missingTable = (table, what) =>
  gap(
    L('此发布版尚无这部分数据', 'This release does not have these data yet'),
    what,
    L(`所需表：${table}。发布后本页自动显示。`, `Table needed: ${table}. The page shows it as soon as a release has it.`),
  )

const csvCell = (value) => {
  const text = value === null || value === undefined ? '' : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csv(columns, rows) {
  const lines = [columns.map((c) => csvCell(c.label)), ...rows.map((row) => columns.map((c) => csvCell(c.value(row))))]
  return lines.map((line) => line.join(',')).join('\r\n')
}

const slug = (text) => text.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-|-$/g, '')

export function saveCsv(name, columns, rows) {
  // The mark lets spreadsheet programs read Chinese.
  download(`${slug(name)}.csv`, new Blob(['﻿', csv(columns, rows)], { type: 'text/csv;charset=utf-8' }))
}

const compare = (a, b) => {
  if (a === null || a === undefined) return 1
  if (b === null || b === undefined) return -1
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'zh')
}

/**
 * A sortable table. columns: [{label, value(row), cell?(row), numeric?, sort?(row), className?}].
 * `limit` rows are shown first.
 */
export function table({ name, caption, columns, rows, limit = 40, sortBy = null, descending = false, rowClass }) {
  let order = sortBy
  let down = descending
  let all = rows.length <= limit
  const body = h('tbody')
  const more = h('button', { type: 'button', class: 'quiet', onclick: () => { all = true; fill() } })
  const heads = columns.map((column, i) =>
    h(
      'th',
      { scope: 'col', class: column.numeric ? 'right' : column.className },
      h('button', { type: 'button', onclick: () => { down = order === i ? !down : Boolean(column.numeric); order = i; fill() } }, column.label),
    ),
  )
  function fill() {
    const shown = [...rows]
    if (order !== null) {
      const value = columns[order].sort ?? columns[order].value
      shown.sort((a, b) => {
        const left = value(a)
        const right = value(b)
        const empty = (left === null || left === undefined) - (right === null || right === undefined)
        return empty || (down ? -1 : 1) * compare(left, right)
      })
    }
    heads.forEach((head, i) =>
      order === i ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort'),
    )
    body.replaceChildren(
      ...(all ? shown : shown.slice(0, limit)).map((row) =>
        h(
          'tr',
          { class: rowClass?.(row) },
          columns.map((column, i) => {
            const content = column.cell ? column.cell(row) : plainCell(column.value(row), column.numeric)
            const className = column.numeric ? 'right' : column.className
            return i === 0 ? h('th', { scope: 'row', class: className }, content) : h('td', { class: className }, content)
          }),
        ),
      ),
    )
    more.hidden = all
    // A long table scrolls in a box of its own, so that its head stays in sight.
    box.classList.toggle('tall', all && rows.length > 60)
    more.textContent = L(`显示全部 ${rows.length} 行`, `Show all ${rows.length} rows`)
  }
  const box = h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption ?? name },
    h('table', null, caption ? h('caption', null, caption) : null, h('thead', null, h('tr', null, heads)), body),
  )
  fill()
  return h(
    'div',
    { class: 'tablebox' },
    box,
    h(
      'div',
      { class: 'under' },
      more,
      h('button', { type: 'button', class: 'quiet', onclick: () => saveCsv(name, columns, rows) }, L('导出 CSV', 'Export CSV')),
    ),
  )
}

const plainCell = (value, numeric) =>
  value === null || value === undefined || value === ''
    ? h('span', { class: 'none' }, '—')
    : numeric && typeof value === 'number'
      ? number(value)
      : String(value)

/**
 * A chart with its title, its note, its numbers as a table, and CSV and PNG export.
 * chart: an element with a method `png()` returning a Promise of a Blob; data: arguments of `table`;
 * level: of its heading, 2 where it stands under no section of its own.
 */
export function figure({ title, note, chart, data, id, wide, legend, level = wide ? 2 : 3 }) {
  const details = data
    ? h('details', { class: 'numbers', open: read().params.numbers === id }, h('summary', null, L('数据表', 'The numbers')), table({ name: title, limit: 60, ...data }))
    : null
  const png = chart?.png
    ? h('button', { type: 'button', class: 'quiet', 'aria-label': L(`导出 PNG：${title}`, `Export PNG: ${title}`), onclick: async () => download(`${slug(title)}.png`, await framed(await chart.png(), title, legend)) }, 'PNG')
    : null
  return h(
    'figure',
    { class: `figure ${wide ? 'wide' : ''}`, id, 'aria-labelledby': `${id}-title` },
    h('div', { class: 'figure-head' }, h(`h${level}`, { id: `${id}-title` }, title), h('div', { class: 'tools' }, png)),
    note ? h('figcaption', null, note) : null,
    legend,
    chart,
    details,
  )
}

/** Heading of a view: a kicker, a title, a sentence or two. */
export const heading = (kicker, title, ...text) =>
  h('header', { class: 'view-head' }, h('p', { class: 'kicker' }, kicker), h('h1', { tabindex: -1 }, title), ...text.map((t) => h('p', { class: 'lede' }, t)))

/** A small mark for a state or a caution. */
export const tag = (text, kind, title) => h('span', { class: `tag ${kind ?? ''}`, title }, text)

export const controls = (...parts) => h('div', { class: 'controls', role: 'group', 'aria-label': L('选择', 'Choices') }, ...parts)
