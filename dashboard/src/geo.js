// Maps without boundaries: the coast (Natural Earth, public domain), the seats of cities and
// counties as points, and circles as the outline around their members' seats. Nobody's boundary is
// claimed. A reader who holds a boundary file can name it in index.html (see dashboard/README.md).
import { h, s } from './dom.js'
import { L } from './format.js'

export const GUANGDONG = { west: 109.35, east: 117.5, south: 20.1, north: 25.65 }
export const DELTA = { west: 110.9, east: 115.3, south: 21.6, north: 25.25 }

let coastRings = null
export async function coast() {
  coastRings ??= fetch('coast.json').then((response) => response.json())
  return (await coastRings).rings
}

let ownBoundaries
/** The reader's own boundaries by place code, or an empty map. */
export async function boundaries() {
  ownBoundaries ??= (async () => {
    const found = new Map()
    const file = globalThis.metrocircleSite?.boundaries
    if (!file) return found
    const { features } = await (await fetch(file)).json()
    for (const { properties, geometry } of features) {
      const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
      found.set(String(properties.place_code ?? properties.adcode), polygons.flat())
    }
    return found
  })()
  return ownBoundaries
}

/** A frame of `width` pixels over a box of degrees: {width, height, at([lon, lat])}. */
export function frame(box, width) {
  const squeeze = Math.cos((((box.south + box.north) / 2) * Math.PI) / 180)
  const scale = width / ((box.east - box.west) * squeeze)
  const height = Math.round((box.north - box.south) * scale)
  return {
    width,
    height,
    at: ([longitude, latitude]) => [
      (longitude - box.west) * squeeze * scale,
      (box.north - latitude) * scale,
    ],
  }
}

const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`

/** The empty map: water, land, a graticule of whole degrees. */
export function ground(view, rings, label) {
  const svg = s('svg', { viewBox: `0 0 ${view.width} ${view.height}`, class: 'map', role: 'img', 'aria-label': label })
  svg.append(
    s('rect', { width: view.width, height: view.height, class: 'water' }),
    s('path', { class: 'land', 'fill-rule': 'evenodd', d: rings.map((ring) => path(ring.map(view.at))).join('') }),
  )
  const lines = []
  for (let longitude = 108; longitude <= 119; longitude++) {
    const [x] = view.at([longitude, 22])
    if (x > 8 && x < view.width - 8) lines.push(`M${x.toFixed(1)} 0V${view.height}`)
  }
  for (let latitude = 19; latitude <= 27; latitude++) {
    const [, y] = view.at([113, latitude])
    if (y > 8 && y < view.height - 8) lines.push(`M0 ${y.toFixed(1)}H${view.width}`)
  }
  svg.append(s('path', { class: 'graticule', d: lines.join('') }))
  return svg
}

/** The seats that stand for a member: a whole city stands for the seats of all its counties. */
export function memberPoints(memberRows, seats) {
  const points = []
  for (const { place_code: code } of memberRows) {
    if (!code) continue
    if (seats.has(code)) points.push(seats.get(code))
    if (code.endsWith('00'))
      for (const [other, point] of seats) if (other !== code && other.startsWith(code.slice(0, 4))) points.push(point)
  }
  return points
}

/** Three points in one turning sense, so that triangles that overlap fill alike. */
const clockwise = ([a, b, c]) => ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0 ? [a, b, c] : [a, c, b])

/**
 * The outline around a set of points: a disc about each, joined to its near neighbours and along the
 * shortest tree, so that it bends around places between members instead of swallowing them.
 */
export function outline(view, points, radius, className, id) {
  const at = points.map(view.at)
  const near = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) < radius * 3.3
  const links = tree(at)
  at.forEach((a, i) => {
    for (const b of at.slice(i + 1)) if (near(a, b)) links.push([a, b])
  })
  // Three points that are near one another have no hole between them.
  const triangles = at.flatMap((a, i) =>
    at.slice(i + 1).flatMap((b, j) => (near(a, b) ? at.slice(i + j + 2).filter((c) => near(a, c) && near(b, c)).map((c) => [a, b, c]) : [])),
  )
  const discs = (grow) => [
    s('path', { d: triangles.map((three) => path(clockwise(three))).join('') }),
    ...at.map(([x, y]) => s('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: radius + grow })),
    ...links.map(([a, b]) =>
      s('line', { x1: a[0].toFixed(1), y1: a[1].toFixed(1), x2: b[0].toFixed(1), y2: b[1].toFixed(1), 'stroke-width': 2 * (radius * 0.86 + grow), 'stroke-linecap': 'round' }),
    ),
  ]
  const ring = s('mask', { id, maskUnits: 'userSpaceOnUse', x: 0, y: 0, width: view.width, height: view.height },
    s('g', { fill: '#fff', stroke: '#fff', 'stroke-width': 0 }, discs(0)),
    s('g', { fill: '#000', stroke: '#000', 'stroke-width': 0 }, discs(-1.6)),
  ) // prettier-ignore
  return s(
    'g',
    { class: `outline ${className}` },
    ring,
    s('g', { class: 'outline-fill' }, discs(0)),
    s('rect', { width: view.width, height: view.height, class: 'outline-line', mask: `url(#${id})` }),
  )
}

/** Shortest spanning tree (Prim). */
function tree(points) {
  const left = new Set(points.keys())
  const links = []
  if (!left.size) return links
  const near = points.map(() => [Infinity, 0])
  let current = 0
  left.delete(0)
  while (left.size) {
    let best = -1
    for (const i of left) {
      const distance = (points[i][0] - points[current][0]) ** 2 + (points[i][1] - points[current][1]) ** 2
      if (distance < near[i][0]) near[i] = [distance, current]
      if (best < 0 || near[i][0] < near[best][0]) best = i
    }
    links.push([points[near[best][1]], points[best]])
    left.delete(best)
    current = best
  }
  return links
}

/**
 * Names beside their discs: above, below, right or left, wherever they hide no other name and the
 * least of other discs. A name that finds no room is left out; the disc still says it.
 * spots: [{x, y, r, text}], text null for a disc that only takes room.
 */
export function placeNames(view, spots) {
  const group = s('g', { 'aria-hidden': 'true', 'pointer-events': 'none' })
  const taken = []
  const size = 11.5
  for (const spot of [...spots].sort((a, b) => b.r - a.r)) {
    if (!spot.text) continue
    const width = [...spot.text].reduce((sum, letter) => sum + (letter > '\u2e80' ? size : size * 0.56), 0)
    const { x, y, r } = spot
    const places = [
      { x: x - width / 2, y: y - r - size - 2 },
      { x: x - width / 2, y: y + r + 2 },
      { x: x + r + 4, y: y - size / 2 },
      { x: x - r - 4 - width, y: y - size / 2 },
    ].map((place) => ({ ...place, width, height: size }))
    const meets = (a, b) => a.x < b.x + b.width + 2 && b.x < a.x + a.width + 2 && a.y < b.y + b.height && b.y < a.y + a.height
    const hides = (place) => spots.filter((other) => other !== spot && meets(place, { x: other.x - other.r, y: other.y - other.r, width: 2 * other.r, height: 2 * other.r })).reduce((sum, other) => sum + other.r, 0)
    const inside = (place) => place.x > 0 && place.x + width < view.width && place.y > 0 && place.y + size < view.height
    const free = places.filter((place) => inside(place) && !taken.some((other) => meets(place, other)))
    if (!free.length) continue
    const best = free.reduce((a, b) => (hides(b) < hides(a) ? b : a))
    if (hides(best) > 12) continue
    taken.push(best)
    group.append(s('text', { x: best.x.toFixed(1), y: (best.y + size - 2).toFixed(1) }, spot.text))
  }
  return group
}

/** The sentence that every map carries. */
export const mapNote = (hasBoundaries) =>
  hasBoundaries
    ? L('界线来自读者本机提供的文件，不属于发布版。', 'Boundaries come from the reader’s own file and are no part of the release.')
    : L(
        '发布版不含行政界线（授权不明）：点为政府驻地（GCJ-02，偏移数百米），圈线仅环绕成员驻地，不是边界。海岸线：Natural Earth（公有领域）。',
        'The release holds no boundaries (their licence is unclear): points are seats of government (GCJ-02, off by some hundred metres) and a circle’s line runs around its members’ seats, it is no border. Coast: Natural Earth, public domain.',
      )

/** Gives a map element the method that figure() exports with: the SVG, painted at twice its size. */
export function exportable(box, svg) {
  box.png = async () => {
    const copy = svg.cloneNode(true)
    const from = [svg, ...svg.querySelectorAll('*')]
    const to = [copy, ...copy.querySelectorAll('*')]
    // A picture outside the page has no style sheet: what it needs is written into each element.
    const kept = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity', 'opacity', 'font', 'text-anchor', 'paint-order', 'display']
    from.forEach((element, i) => {
      const style = getComputedStyle(element)
      for (const name of kept) to[i].style.setProperty(name, style.getPropertyValue(name))
    })
    const { width, height } = svg.viewBox.baseVal
    copy.setAttribute('width', width)
    copy.setAttribute('height', height)
    const image = new Image()
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`
    await image.decode()
    const canvas = h('canvas', { width: width * 2, height: height * 2 })
    const context = canvas.getContext('2d')
    context.scale(2, 2)
    context.drawImage(image, 0, 0)
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  }
  return box
}
