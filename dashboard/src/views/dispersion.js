// Measures of how far apart the members of a circle are, from the mart that the release has.
import { release } from '../data.js'
import { h } from '../dom.js'
import { L, named } from '../format.js'
import { places } from '../reference.js'
import { missingTable } from '../ui.js'
import { released } from './released.js'

/** Marts of inequality that this release has, by name. */
export const measureTables = () =>
  Object.keys(release().tables)
    .filter((name) => name.startsWith('main.') && /inequal|dispersion|disparit|convergence/.test(name))
    .map((name) => name.slice(5))

/** What the release measures for a circle; `from` and `to` bound the years. */
export async function dispersion(circleId, { from = 0, to = 9999 } = {}) {
  const tables = measureTables()
  if (!tables.length)
    return missingTable('circle_inequality_year', L('最大最小比、变异系数、基尼、泰尔等差距指标：须在单一版次内计算，本页不自行计算。', 'Ratio of extremes, coefficient of variation, Gini, Theil: to be made within one edition; this page does not make them itself.'))
  const placeMap = await places()
  const name = (code) => named(placeMap.get(code), 'place_name')
  const keep = (row) => (row.circle_id === undefined || row.circle_id === circleId) && (row.year === undefined || (row.year >= from && row.year <= to))
  return Promise.all(tables.map(async (table) => h('div', null, h('h3', null, table.replaceAll('_', ' ')), await released(table, { keep, name }))))
}
