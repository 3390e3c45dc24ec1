// What the plans promise and how far it is.
import { rows } from '../data.js'
import { h } from '../dom.js'
import { L, digitsOf, named, number, unitText, word } from '../format.js'
import { circles, documents, indicators, places, said } from '../reference.js'
import { change } from '../state.js'
import { controls, heading, num, select, table, tag } from '../ui.js'

const KIND = { met: 'good', reached: 'good', on_track: 'good', off_track: 'bad', missed: 'bad', not_reached: 'bad', no_final_data: 'warn' }

export async function render(params) {
  const [all, printed, indicatorMap, circleMap, placeMap, docs] = await Promise.all([rows('policy_target_progress'), rows('tidy.policy_target'), indicators(), circles(), places(), documents()])
  const original = new Map(printed.map((row) => [row.target_id, row]))
  const documentList = [...new Set(all.map((row) => row.document))].sort()
  const inScope = all.filter((row) => !params.document || row.document === params.document)
  const statuses = [...new Set(all.map((row) => row.status))].sort((a, b) => (a === 'not_measurable') - (b === 'not_measurable') || a.localeCompare(b))
  const measured = inScope.filter((row) => row.latest_value !== null && row.target_value !== null)
  const shown = inScope.filter((row) => !params.status || row.status === params.status)
  const where = (row) => (row.circle_id ? named(circleMap.get(row.circle_id), 'circle_name') : named(placeMap.get(row.place_code), 'place_name')) || original.get(row.target_id)?.place_raw || ''
  const what = (row) => named(indicatorMap.get(row.indicator_id), 'name') || original.get(row.target_id)?.indicator_raw || row.indicator_id
  return [
    heading(L('规划说要达到什么', 'What the plans promise'), L('规划目标追踪', 'Target tracker'),
      L('三个规划的目标逐条列出。无法衡量的，写明缺什么。', 'Every target of the three plans. What cannot be measured says what is missing.')),
    controls(select('document', L('规划', 'Plan'), [{ value: '', label: L('全部', 'All') }, ...documentList.map((d) => ({ value: d, label: named(docs.find((x) => x.document === d), 'name') || d }))], params.document ?? '')),
    h('div', { class: 'tally-keys' }, statuses.map((status) =>
      h('button', { type: 'button', id: `status-${status}`, 'data-status': status, 'aria-pressed': String(params.status === status), onclick: () => change({ status: params.status === status ? null : status }) },
        h('b', null, String(inScope.filter((row) => row.status === status).length)), h('span', null, word(status))))),
    measured.length
      ? h('section', null, h('div', { class: 'section-head' }, h('h2', null, L('可衡量的', 'Measured')), h('p', null, `${measured.length} / ${inScope.length}`)), h('div', { class: 'targets' }, measured.map((row) => card(row, where, what))))
      : null,
    h(
      'section',
      null,
      h('div', { class: 'section-head' }, h('h2', null, L('全部目标', 'All targets')), h('p', null, String(shown.length))),
      table({
        name: L('规划目标', 'targets'),
        caption: L('规划目标', 'Targets'),
        rows: shown,
        limit: 30,
        columns: [
          { label: L('编号', 'Id'), value: (row) => row.target_id, cell: (row) => h('code', null, row.target_id) },
          { label: L('地区', 'Place'), value: where },
          { label: L('目标（原文）', 'Target as printed'), value: (row) => original.get(row.target_id)?.indicator_raw ?? row.indicator_id },
          { label: L('目标值', 'Aim'), numeric: true, value: (row) => row.target_value, cell: (row) => num(row.target_text ?? '—', row.target_value ?? row.target_text, { kind: 'target', row }) },
          { label: L('期限', 'By'), numeric: true, value: (row) => row.horizon_year, cell: (row) => (row.horizon_year ? String(row.horizon_year) : '—') },
          { label: L('最新', 'Latest'), numeric: true, value: (row) => row.latest_value, cell: (row) => (row.latest_value === null ? h('span', { class: 'none' }, '—') : num(`${number(row.latest_value, digitsOf(row.latest_value))} (${row.latest_year})`, row.latest_value, { kind: 'target', row })) },
          { label: L('判定', 'Verdict'), value: (row) => word(row.status), cell: (row) => tag(word(row.status), KIND[row.status]) },
          { label: L('理由', 'Reason'), value: (row) => said(row.reason), className: 'reason' },
        ],
      }),
    ),
  ]
}

function card(row, where, what) {
  const far = Math.max(row.latest_value, row.target_value)
  const at = (value) => `${((100 * value) / (far * 1.06)).toFixed(1)}%`
  const unit = unitText(row.unit)
  return h(
    'article',
    { class: 'target', 'data-target': row.target_id },
    h('p', { class: 'kicker' }, where(row)),
    h('h3', null, what(row)),
    h('div', { class: 'track', 'aria-hidden': 'true' }, h('span', { class: 'rail' }), h('span', { class: 'done', vars: { '--w': at(row.latest_value) } }), h('span', { class: `aim ${row.target_value / far > 0.6 ? 'end' : ''}`, vars: { '--w': at(row.target_value) }, 'data-text': `${row.horizon_year}` })),
    h('p', null, num(number(row.latest_value, digitsOf(row.latest_value)), row.latest_value, { kind: 'target', row }), ` ${unit} · ${row.latest_year}${row.latest_is_preliminary ? L('（初步）', ' (preliminary)') : ''}`, h('span', { class: 'soft' }, ' → '), num(row.target_text, row.target_value, { kind: 'target', row }), ` · ${row.horizon_year}`),
    h('p', null, tag(word(row.status), KIND[row.status]), row.required_annual_change === null ? null : h('span', { class: 'soft' }, L(`  每年需 ${number(row.required_annual_change, 2)}，已有每年 ${number(row.observed_annual_change, 2)}（${said(row.required_annual_change_unit)}）`, `  needs ${number(row.required_annual_change, 2)} a year, had ${number(row.observed_annual_change, 2)} (${row.required_annual_change_unit})`))),
    h('p', { class: 'note' }, said(row.reason)),
  )
}
