// Elements, without a framework: h('p', {class: 'x'}, 'text', child).

const SVG = 'http://www.w3.org/2000/svg'

function make(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'style') Object.assign(element.style, value)
    else if (name === 'vars')
      for (const [variable, text] of Object.entries(value)) element.style.setProperty(variable, text)
    else if (name === 'value' || name === 'checked' || name === 'selected') element[name] = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  append(element, children)
  return element
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue
    if (Array.isArray(child)) append(element, child)
    else element.append(child)
  }
}

export const h = (tag, props, ...children) => make(document.createElement(tag), props, children)
export const s = (tag, props, ...children) =>
  make(document.createElementNS(SVG, tag), props, children)

/** Offers a file to the reader. */
export function download(name, blob) {
  const url = URL.createObjectURL(blob)
  const link = h('a', { href: url, download: name })
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
