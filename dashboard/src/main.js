// The shell: opens the release, draws the frame, shows the view that the address names.
import './styles.css'
import { sweep } from './chart.js'
import { newestRelease, openRelease, release, rows } from './data.js'
import { h } from './dom.js'
import { L, setUnits } from './format.js'
import { loadDocuments } from './reference.js'
import { sourceDialog } from './source.js'
import { change, language, linkTo, onChange, read, theme } from './state.js'
import * as overview from './views/overview.js'

// The first view is in the first bundle; the others come when they are asked for.
const VIEWS = [
  { id: 'overview', zh: '圈域概览', en: 'The circle', load: async () => overview },
  { id: 'map', zh: '地图', en: 'Map', load: () => import('./views/map.js') },
  { id: 'rail', zh: '铁路网络', en: 'Rail network', load: () => import('./views/rail.js') },
  { id: 'trends', zh: '趋势与修订', en: 'Trends and revisions', load: () => import('./views/trends.js') },
  { id: 'inequality', zh: '差距', en: 'Inequality', load: () => import('./views/inequality.js') },
  { id: 'environment', zh: '环境', en: 'Environment', load: () => import('./views/environment.js') },
  { id: 'figures', zh: '论文图重绘', en: 'The paper’s figures', load: () => import('./views/figures.js') },
  { id: 'reproduction', zh: '复现报告', en: 'Reproduction', load: () => import('./views/reproduction.js') },
  { id: 'targets', zh: '规划目标', en: 'Targets', load: () => import('./views/targets.js') },
  { id: 'quality', zh: '数据质量', en: 'Data quality', load: () => import('./views/quality.js') },
]

const app = document.getElementById('app')
const main = h('main', { id: 'main' })
const status = h('p', { class: 'visually-hidden', role: 'status' })
let turn = 0
let drawnView = null

function sidebar(current) {
  const manifest = release()
  const toggle = (name, options) =>
    h(
      'div',
      { class: 'toggle', role: 'group', 'aria-label': name },
      options.map(([value, label, pressed, title]) =>
        h('button', { type: 'button', id: `t-${value}`, 'aria-pressed': String(pressed), title, onclick: () => change(value.length === 2 ? { lang: value } : { theme: value }) }, label),
      ),
    )
  return h(
    'aside',
    { class: 'side' },
    h('a', { class: 'skip', href: '#main', onclick: (event) => { event.preventDefault(); main.querySelector('h1')?.focus() } }, L('跳到正文', 'Skip to content')),
    h('a', { class: 'brand', href: linkTo('overview') }, mark(), h('span', { class: 'brand-zh', lang: 'zh' }, '都市圈指标库'), h('span', { class: 'brand-en', lang: 'en' }, 'Metrocircle')),
    h(
      'nav',
      { 'aria-label': L('视图', 'Views') },
      h('ol', null, VIEWS.map((view) => h('li', null, h('a', { href: linkTo(view.id), id: `nav-${view.id}`, 'aria-current': view.id === current ? 'page' : null }, L(view.zh, view.en))))),
    ),
    h(
      'div',
      { class: 'side-foot' },
      h(
        'div',
        { class: 'toggles' },
        toggle(L('语言', 'Language'), [['zh', '中文', language() === 'zh'], ['en', 'English', language() === 'en']]),
        toggle(L('明暗', 'Appearance'), [['light', L('浅', 'Light'), theme() === 'light'], ['dark', L('深', 'Dark'), theme() === 'dark']]),
      ),
      h(
        'p',
        { class: 'release' },
        h('span', null, L('发布版', 'Release')),
        h('code', null, manifest.release_id),
        h('button', { type: 'button', class: 'quiet', id: 'look', onclick: look }, L('检查新版', 'Look for a newer one')),
      ),
    ),
  )
}

/** Asks, once, whether another release is in use now. */
async function look(event) {
  const button = event.currentTarget
  const newest = await newestRelease()
  if (newest === release().release_id) {
    button.textContent = L('已是在用版本', 'This is the one in use')
    return
  }
  const link = h('button', { type: 'button', class: 'fresh', onclick: () => location.reload() }, L(`新版 ${newest.slice(0, 8)}：重新打开`, `Newer: ${newest.slice(0, 8)}. Open it`))
  button.replaceWith(link)
  link.focus()
}

/** The mark: a core and its circle, in kapok red and river green. */
function mark() {
  const template = document.createElement('template')
  template.innerHTML =
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="14.2" fill="none" stroke="var(--river)" stroke-width="1.6"/><circle cx="16" cy="16" r="8.6" fill="none" stroke="var(--river)" stroke-width="1.1" stroke-dasharray="1.4 2.2"/><circle cx="18.4" cy="14.4" r="4" fill="var(--kapok)"/></svg>'
  return template.content.firstChild
}

async function draw() {
  const mine = ++turn
  const { view: asked, params } = read()
  const view = VIEWS.find((entry) => entry.id === asked) ?? VIEWS[0]
  document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en'
  document.documentElement.dataset.theme = theme()
  document.documentElement.dataset.lang = language()
  const focus = document.activeElement?.id
  main.setAttribute('aria-busy', 'true')
  let body
  try {
    const module = await view.load()
    body = await module.render(params)
  } catch (error) {
    console.error(error)
    body = h('div', { class: 'gap', role: 'alert' }, h('strong', null, L('此视图无法绘制', 'This view cannot be drawn')), h('p', null, String(error)))
  }
  if (mine !== turn) return
  const moved = drawnView !== view.id
  app.replaceChildren(sidebar(view.id), main)
  main.replaceChildren(h('div', { class: `view view-${view.id}` }, body), footer())
  main.removeAttribute('aria-busy')
  main.dataset.view = view.id
  main.dataset.drawn = String(mine)
  document.title = `${L(view.zh, view.en)} · Metrocircle`
  for (const element of main.querySelectorAll('.chart')) element.mounted?.()
  sweep()
  if (moved) {
    drawnView = view.id
    scrollTo(0, 0)
    status.textContent = document.title
    showInNav(view.id)
    if (mine > 1) main.querySelector('h1')?.focus({ preventScroll: true })
  } else if (focus) document.getElementById(focus)?.focus({ preventScroll: true })
}

/** On a narrow screen the views stand in a row: the current one is brought into it. */
function showInNav(id) {
  const link = document.getElementById(`nav-${id}`)
  const nav = link.closest('nav')
  nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2
}

/** Puts the page, and the charts in it, into light or dark. */
function wear(name) {
  document.documentElement.dataset.theme = name
  for (const element of main.querySelectorAll('.chart')) element.repaint?.()
}

function footer() {
  const manifest = release()
  return h(
    'footer',
    { class: 'foot' },
    h('p', null, L(`引用：Metrocircle 都市圈指标库，发布版 ${manifest.release_id}；数据归各出版者所有，见“数据质量”页。`, `To cite: Metrocircle warehouse, release ${manifest.release_id}; figures belong to their publishers, listed under “Data quality”.`)),
    h('p', null, L('数值均可点击查看出处；缺数以缺口列示，不作推断。', 'Every number opens its source; what nobody published is shown as a gap, never guessed.')),
  )
}

async function start() {
  try {
    const site = JSON.parse(document.getElementById('site').textContent)
    globalThis.metrocircleSite = site
    await openRelease(site)
  } catch (error) {
    app.replaceChildren(
      h('div', { class: 'boot', role: 'alert' }, h('h1', null, L('没有可读的发布版', 'There is no release to read')), h('p', null, String(error.message ?? error)), h('p', null, L('先运行 make refresh，再运行 make dashboard。', 'Run make refresh first, then make dashboard.'))),
    )
    return
  }
  const [units] = await Promise.all([rows('tidy.unit'), loadDocuments()])
  setUnits(units)
  document.body.append(sourceDialog(), status)
  onChange(draw)
  // Charts are pictures of the screen's colours: on paper they are drawn light.
  addEventListener('beforeprint', () => wear('light'))
  addEventListener('afterprint', () => wear(theme()))
  await draw()
  performance.mark('metrocircle:interactive')
}

start()
