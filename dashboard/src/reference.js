// Small reference tables that most views need, read once.
import { by, groups, rows } from './data.js'

let indicatorMap = null
export const indicators = async () => (indicatorMap ??= by(await rows('indicator'), 'indicator_id'))

export const documents = () => rows('document')

let placeMap = null
/** Places by code; the name in force, or the last one. */
export async function places() {
  if (placeMap) return placeMap
  const list = [...(await rows('division'))].sort((a, b) => (a.valid_to ?? '9').localeCompare(b.valid_to ?? '9'))
  placeMap = by(list, 'place_code')
  return placeMap
}

export const circles = async () => by(await rows('circle'), 'circle_id')
export const members = async () => groups(await rows('circle_member'), 'circle_id')

/** Circles in the order a reader meets them: metro circles first, the paper's at the head. */
export async function circleOrder() {
  const first = ['GZ_PAPER9', 'GZ_OFFICIAL2023', 'GF', 'PRW', 'GFZQYS']
  const rank = (row) => (first.indexOf(row.circle_id) + 1 || 50) + (row.circle_kind === 'circle' ? 0 : 50)
  return [...(await circles()).values()].sort((a, b) => rank(a) - rank(b) || a.circle_id.localeCompare(b.circle_id))
}

/** Points of places: [longitude, latitude] of the seat, by code. */
export async function seats() {
  const points = new Map()
  for (const row of await rows('tidy.city_centre'))
    if (row.point_kind === 'seat') points.set(row.place_code, [row.longitude, row.latitude])
  return points
}
