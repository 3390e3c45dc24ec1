// Small reference tables that most views need, read once.
import { by, groups, rows } from './data.js'
import { L, named } from './format.js'
import { chinese } from './phrases.js'

let known = null
export const indicators = async () => (known ??= by(await rows('indicator'), 'indicator_id'))

export const documents = () => rows('document')

let documentNames = new Map()
export const loadDocuments = async () => {
  documentNames = by(await documents(), 'document')
}
/** A publication as people name it, with its edition; the id where the release does not say. */
export const publication = (document, edition) => {
  if (!document) return ''
  const name = named(documentNames.get(document), 'name') || document
  return [name, edition === 'undated' ? '' : edition].filter(Boolean).join(' ')
}
/** The same of a row, or of a text such as `guangdong_yearbook 2024`. */
export const published = (row) => publication(row.document, row.edition)
export const publishedIn = (text) => publication(...String(text ?? '').split(' '))

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

/** A sentence that a table carries, in the language of the page where it is known. */
export const said = (text) => {
  if (!text) return ''
  return L(chinese(text, (id) => known?.get(id)?.name_zh ?? id) ?? text, text)
}

/** What an indicator measures, and its traps. */
export const definition = (indicator) => (indicator ? L(indicator.definition_zh ?? indicator.definition, indicator.definition) : '') ?? ''
