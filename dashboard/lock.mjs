// Rewrites package-lock.json so that it names no host: npm leaves out `resolved` (.npmrc), this
// leaves out the funding addresses, which npm ci does not read.
import { readFile, writeFile } from 'node:fs/promises'

const file = new URL('./package-lock.json', import.meta.url)
const lock = JSON.parse(await readFile(file, 'utf8'))
for (const entry of Object.values(lock.packages)) {
  delete entry.funding
  delete entry.resolved
}
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`)
