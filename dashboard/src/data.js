// The one reader of a release. Resolves the pointer once, then reads only the versioned folder, so
// a release that is published while the page is open changes nothing in it.
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { decompress } from 'fzstd'

const compressors = { ZSTD: (input, length) => decompress(input, new Uint8Array(length)) }
// Below this size a whole file is one request; above it, the footer and the row groups asked for.
const WHOLE = 200_000
const FOOTER = 65_536
const BLOCK = 32_768

let manifest = null
let base = ''
let root = ''
const answers = new Map()
const files = new Map()

/** Reads `current/release.json` once; `site` is the block of index.html. */
export async function openRelease(site) {
  root = new URL(site.data, document.baseURI).href
  manifest = await fetchManifest()
  base = `${root}releases/${manifest.release_id}/`
  return manifest
}

async function fetchManifest() {
  const response = await fetch(`${root}current/release.json`, { cache: 'no-cache' })
  if (!response.ok) throw new Error(`current/release.json: ${response.status}`)
  return response.json()
}

/** The id of the release in use now; asked only when a reader asks. */
export async function newestRelease() {
  return (await fetchManifest()).release_id
}

export const release = () => manifest

const key = (table) => (table.includes('.') ? table : `main.${table}`)

/** Entry of a table in release.json, or undefined: a mart that this release does not have. */
export const described = (table) => manifest.tables[key(table)]
export const has = (table) => described(table) !== undefined
export const hasColumn = (table, column) =>
  described(table)?.schema.some((entry) => entry.name === column) ?? false
export const urlOf = (table) => base + described(table).path
export const urlInRelease = (path) => base + path

/** Bytes [start, end) of a file. Not from the browser's cache: Chromium 156 has been seen to answer
 * a range that overlaps a cached one with a piece of it. */
async function fetchBytes(url, start, end) {
  const response = await fetch(url, {
    headers: { Range: `bytes=${start}-${end - 1}` },
    cache: 'no-store',
  })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const body = await response.arrayBuffer()
  // A server without ranges sends the whole file with status 200.
  const bytes = response.status === 206 ? body : body.slice(start, end)
  if (bytes.byteLength !== end - start) throw new Error(`${url}: short answer`)
  return new Uint8Array(bytes)
}

/** A file that remembers, in blocks, what it has fetched: nothing is asked for twice. */
function buffered(url, size) {
  const block = size <= WHOLE ? size : BLOCK
  const blocks = new Map()
  return {
    byteLength: size,
    async slice(start, end = size) {
      const first = Math.floor(start / block)
      const last = Math.floor((end - 1) / block)
      for (let i = first; i <= last; i++) {
        if (blocks.has(i)) continue
        let to = i
        while (to < last && !blocks.has(to + 1)) to++
        const from = i * block
        const run = fetchBytes(url, from, Math.min(size, (to + 1) * block))
        for (; i <= to; i++) {
          const at = i * block - from
          blocks.set(i, run.then((bytes) => bytes.subarray(at, at + block)))
        }
      }
      const parts = await Promise.all(
        Array.from({ length: last - first + 1 }, (_, i) => blocks.get(first + i)),
      )
      const whole = new Uint8Array(end - start)
      parts.forEach((bytes, i) => {
        const at = (first + i) * block - start
        whole.set(at < 0 ? bytes.subarray(-at, -at + whole.length) : bytes.subarray(0, whole.length - at), Math.max(0, at))
      })
      return whole.buffer
    },
  }
}

function file(table) {
  const url = urlOf(table)
  if (!files.has(url)) {
    const buffer = buffered(url, described(table).bytes)
    files.set(
      url,
      parquetMetadataAsync(buffer, { initialFetchSize: FOOTER }).then((metadata) => ({ buffer, metadata })),
    )
  }
  return files.get(url)
}

/**
 * Rows of a table as objects. `where` is a filter on columns ({circle_id: {$eq: 'GZ_PAPER9'}}): row
 * groups whose bounds exclude it are never fetched. A missing table has no rows.
 */
export async function rows(table, where, columns) {
  if (!has(table)) return []
  // A table in parts is a national one: too large to be read whole by a page.
  if (described(table).parts) throw new Error(`${table} is in parts`)
  const wanted = columns?.filter((column) => hasColumn(table, column))
  const name = JSON.stringify([table, where, wanted])
  if (!answers.has(name)) {
    answers.set(
      name,
      (async () => {
        const { buffer, metadata } = await file(table)
        const found = await parquetReadObjects({
          file: buffer,
          metadata,
          compressors,
          filter: where,
          columns: wanted,
        })
        return found.map(plain)
      })(),
    )
  }
  return answers.get(name)
}

/** Dates as text (YYYY-MM-DD) and whole numbers as numbers: what the views compare and print. */
function plain(row) {
  for (const name in row) {
    const value = row[name]
    if (value instanceof Date) row[name] = value.toISOString().slice(0, 10)
    else if (typeof value === 'bigint') row[name] = Number(value)
    else if (value === undefined) row[name] = null
  }
  return row
}

/** Index of rows by one column, the last row winning. */
export const by = (list, column) => new Map(list.map((row) => [row[column], row]))

/** Rows grouped by one column, in order of first appearance. */
export function groups(list, column) {
  const found = new Map()
  for (const row of list) {
    const value = typeof column === 'function' ? column(row) : row[column]
    if (!found.has(value)) found.set(value, [])
    found.get(value).push(row)
  }
  return found
}
