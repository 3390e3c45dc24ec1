// The address is the state: #/view?key=value. What the address does not say has the view's default,
// and language and theme are remembered on this device.

const listeners = new Set()
const KEPT = ['lang', 'theme']

function kept(name) {
  try {
    return localStorage.getItem(`metrocircle.${name}`)
  } catch {
    return null // a browser that keeps nothing still shows the page
  }
}

export function read() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?')
  const params = Object.fromEntries(new URLSearchParams(query ?? ''))
  return { view: decodeURIComponent(path || ''), params }
}

export function language() {
  const asked = read().params.lang ?? kept('lang')
  if (asked === 'zh' || asked === 'en') return asked
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/** `light` or `dark`, as asked for, else as the system has it. */
export function theme() {
  const asked = read().params.theme ?? kept('theme')
  if (asked === 'light' || asked === 'dark') return asked
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

export function address(view, params) {
  const query = new URLSearchParams(
    Object.entries(params).filter(([, value]) => value !== null && value !== undefined),
  ).toString()
  return `#/${view}${query ? `?${query}` : ''}`
}

/** Address of another view, language and theme kept. */
export function linkTo(view, params = {}) {
  const now = read().params
  return address(view, { ...params, lang: now.lang, theme: now.theme })
}

/** Changes some parameters of the view on screen; null removes one. */
export function change(changes) {
  const { view, params } = read()
  for (const name of KEPT)
    if (name in changes) {
      try {
        localStorage.setItem(`metrocircle.${name}`, changes[name])
      } catch {
        // the address still says it
      }
    }
  history.replaceState(null, '', address(view, { ...params, ...changes }))
  announce()
}

export const onChange = (listener) => listeners.add(listener)
function announce() {
  for (const listener of listeners) listener()
}
addEventListener('hashchange', announce)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', announce)
