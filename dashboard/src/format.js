// How a value, a date and a word is written, in either language.
import { language } from './state.js'

/** The Chinese or the English text, by the language of the page. */
export const L = (zh, en) => (language() === 'zh' ? zh : en)

/** `name_zh`/`name_en` of a row, whichever the page speaks and the row has. */
export function named(row, stem) {
  if (!row) return ''
  const [first, second] = language() === 'zh' ? ['zh', 'en'] : ['en', 'zh']
  return row[`${stem}_${first}`] || row[`${stem}_${second}`] || ''
}

const formats = new Map()
function format(digits) {
  if (!formats.has(digits))
    formats.set(
      digits,
      new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    )
  return formats.get(digits)
}

/**
 * Decimals that the printed precision carries: those of the width of [low, high], at most `most`.
 * An exact value has those it needs; without bounds, a large value has at most one.
 */
export function digitsOf(value, low, high, most = 2) {
  if (value === null || value === undefined || Number.isInteger(value)) return 0
  const bounded = typeof low === 'number' && typeof high === 'number'
  if (bounded && high > low) return Math.max(0, Math.min(most, Math.ceil(-Math.log10(high - low) - 1e-9)))
  if (!bounded && Math.abs(value) >= 1000) return Math.min(1, most)
  return needed(value, most)
}

/** The fewest decimals, up to `most`, that write the value. */
export function needed(value, most = 4) {
  for (let digits = 0; digits < most; digits++)
    if (Math.abs(value - Number(value.toFixed(digits))) < 1e-9) return digits
  return most
}

export function number(value, digits) {
  if (value === null || value === undefined) return '—'
  return format(digits ?? digitsOf(value)).format(value).replace('-', '−')
}

/** A value with the decimals its bounds carry. */
export const valueText = (row, most = 2) =>
  number(row.value, digitsOf(row.value, row.value_low, row.value_high, most))

export const percent = (share, digits = 0) =>
  share === null || share === undefined ? '—' : `${number(share * 100, digits)}%`

/** Minutes since midnight as a clock time; a time after midnight says so. */
export function clock(minutes) {
  if (minutes === null || minutes === undefined) return '—'
  const day = Math.floor(minutes / 1440)
  const rest = minutes % 1440
  const text = `${String(Math.floor(rest / 60)).padStart(2, '0')}:${String(rest % 60).padStart(2, '0')}`
  return day ? `${text} +${day}` : text
}

let units = new Map()
export const setUnits = (rows) => {
  units = new Map(rows.map((row) => [row.unit, row]))
}
/** A unit in the language of the page; the printed sign where the registry has no other name. */
export function unitText(unit) {
  if (!unit || unit === 'none') return ''
  if (language() === 'zh') return unit
  const known = { '%': '%', 亿元: '¥100m', 万人: '10k persons', 元: 'yuan', 个: 'count', 人: 'persons', 公顷: 'ha',
    亿美元: 'US$100m', '亿元/km²': '¥100m/km²', '人/km²': 'persons/km²', '上年=100': 'prev. year = 100',
    件: 'count', 家: 'count' } // prettier-ignore
  return known[unit] ?? units.get(unit)?.name_en ?? unit
}

/** Words that tables use as values, in both languages. */
const WORDS = {
  latest: ['最新修订', 'Latest revision'],
  first_published: ['首次发布', 'First published'],
  same_document: ['同一文献', 'Same document'],
  first_published_gdp_latest_population: ['首发GDP÷最新人口', 'First GDP ÷ latest population'],
  reproduced: ['复现', 'Reproduced'],
  consistent: ['一致', 'Consistent'],
  rounding: ['末位舍入', 'Rounding'],
  mismatch: ['不符', 'Mismatch'],
  not_computable: ['无法计算', 'Not computable'],
  internally_consistent: ['内部一致', 'Internally consistent'],
  workday: ['工作日', 'Workday'],
  weekend: ['周末', 'Weekend'],
  makeup_workday: ['调休上班日', 'Make-up workday'],
  make_up_workday: ['调休上班日', 'Make-up workday'],
  public_holiday: ['法定假日', 'Public holiday'],
  on_track: ['有望达成', 'On track'],
  off_track: ['落后', 'Off track'],
  met: ['已达成', 'Met'],
  missed: ['未达成', 'Missed'],
  reached: ['已达成', 'Reached'],
  not_reached: ['未达成', 'Not reached'],
  not_measurable: ['尚无法衡量', 'Not measurable'],
  no_final_data: ['仅有初步数据', 'No final data yet'],
  passed: ['通过', 'Passed'],
  warned: ['警告', 'Warned'],
  failed: ['失败', 'Failed'],
  skipped: ['跳过', 'Skipped'],
  error: ['错误', 'Error'],
  warning: ['警告', 'Warning'],
  published: ['公布值', 'Published'],
  recomputed: ['重算值', 'Recomputed'],
  circle: ['都市圈', 'Circle'],
  core: ['核心区', 'Core'],
  axis: ['发展轴', 'Axis'],
  pilot: ['试点', 'Pilot'],
  list: ['列举', 'List'],
  economy: ['经济', 'Economy'],
  population: ['人口', 'Population'],
  finance: ['财政金融', 'Finance'],
  income: ['居民收入', 'Income'],
  innovation: ['科技创新', 'Innovation'],
  land: ['土地', 'Land'],
  trade: ['对外经济', 'Trade'],
  environment: ['环境', 'Environment'],
  assumed: ['推定', 'assumed'],
  original: ['原件', 'original'],
  mirror: ['镜像', 'mirror'],
  transcription: ['转录', 'transcription'],
  secondary: ['二手', 'secondary'],
  preliminary: ['初步', 'preliminary'],
  final: ['最终', 'final'],
  revised: ['修订', 'revised'],
  unknown: ['未注明', 'not stated'],
  numerator: ['分子', 'numerator'],
  denominator: ['分母', 'denominator'],
  member: ['成员', 'member'],
  weight: ['权重', 'weight'],
  prefecture: ['地级市', 'City'],
  county: ['县区', 'County'],
  province: ['省', 'Province'],
  month: ['月', 'Month'],
  year: ['年', 'Year'],
  quarter: ['季', 'Quarter'],
  whole_city: ['全市', 'Whole city'],
  districts: ['市辖区', 'Districts'],
  excluding_counties: ['不含县', 'Without counties'],
  match: ['相符', 'Match'],
  matches: ['相符', 'Match'],
  differs: ['不符', 'Differs'],
  sum: ['加总', 'Sum'],
  ratio_of_sums: ['总量之比', 'Ratio of sums'],
  weighted_mean: ['加权平均', 'Weighted mean'],
  mean_of_members: ['成员平均', 'Mean of members'],
  none: ['不汇总', 'Not aggregated'],
  all: ['全部日子', 'All days'],
  months: ['数月', 'Months'],
  census: ['普查', 'Census'],
  land_area_of_2019: ['土地面积沿用2019年', 'Land area of 2019'],
  trial_accounts: ['试算', 'Trial accounts'],
  census_2020: ['2020年普查', 'Census of 2020'],
  census_population: ['普查人口', 'Residents by census'],
  divisions: ['区划表', 'Table of divisions'],
  as_printed: ['按印刷', 'As printed'],
  lower_bound_within: ['一小时内（站到站）', 'Within the hour, station to station'],
  fails_by_rail: ['超过一小时', 'Over the hour'],
  no_station: ['无车站', 'No station'],
  no_service: ['当日不通', 'No service that day'],
  estimated: ['估计', 'Estimated'],
  observed: ['公布', 'Observed'],
  bounded: ['区间', 'Bounded'],
  published_members: ['成员公布', 'As members publish'],
  range: ['两法之间的区间', 'Range of the methods'],
  population_share: ['按人口分摊', 'By share of population'],
  output_share: ['按产出分摊', 'By share of output'],
  primacy_2: ['首位度（二城）', 'Primacy, two cities'],
  primacy_4: ['首位度（四城）', 'Primacy, four cities'],
  primacy_11: ['首位度（十一城）', 'Primacy, eleven cities'],
  rank_size_q: ['位序—规模指数 q', 'Rank-size exponent q'],
  rank_size_r2: ['位序—规模拟合 R²', 'Rank-size fit, R²'],
  national_13fyp: ['国控网（十三五）', 'National stations, 13th plan'],
  national_14fyp: ['国控网（十四五）', 'National stations, 14th plan'],
  aqi_rate_pct: ['AQI 达标率', 'AQI good-day rate'],
  good_days: ['达标天数', 'Good days'],
  valid_days: ['有效天数', 'Valid days'],
  pm25_ugm3: ['PM2.5', 'PM2.5'],
  pm10_ugm3: ['PM10', 'PM10'],
  no2_ugm3: ['NO₂', 'NO₂'],
  so2_ugm3: ['SO₂', 'SO₂'],
  co_p95_mgm3: ['CO 第95百分位', 'CO, 95th percentile'],
  o3_8h_p90_ugm3: ['O₃ 8小时第90百分位', 'O₃ 8-hour, 90th percentile'],
  composite_index: ['综合指数', 'Composite index'],
  composite_index_change_pct: ['综合指数变化', 'Change of the composite index'],
  composite_index_rank: ['综合指数排名', 'Rank, composite index'],
  pm25_rank: ['PM2.5 排名', 'Rank, PM2.5'],
  aqi_rank: ['达标率排名', 'Rank, good-day rate'],
  reference: ['参比状态', 'Reference state'],
  standard: ['标准状态', 'Standard state'],
  dissolved_oxygen: ['溶解氧', 'Dissolved oxygen'],
  permanganate_index: ['高锰酸盐指数', 'Permanganate index'],
  total_phosphorus: ['总磷', 'Total phosphorus'],
  ammonia_nitrogen: ['氨氮', 'Ammonia nitrogen'],
  ph: ['pH', 'pH'],
  river_limits: ['合河流限值', 'By river limits'],
  lake_limits: ['合湖库限值', 'By lake limits'],
  great_expectations: ['到货检查', 'Great Expectations'],
  dbt: ['模型检查', 'dbt'],
  facts: ['仅事实', 'Facts only'],
  yes: ['可', 'Yes'],
  no: ['不可', 'No'],
}

/** A set of sections of rivers: national_149 is 149 sections of the national network. */
export function sectionSet(text) {
  const [, network, count] = /^(national|provincial)_(\d+)$/.exec(text ?? '') ?? []
  if (!network) return word(text)
  return network === 'national' ? L(`国控 ${count} 个断面`, `${count} national sections`) : L(`省控 ${count} 个断面`, `${count} provincial sections`)
}
export function word(text) {
  if (text === null || text === undefined) return ''
  const asOf = /^as_of:(.+)$/.exec(text)
  if (asOf) return L(`截至${asOf[1]}年版`, `As of edition ${asOf[1]}`)
  const pair = WORDS[text]
  if (pair) return L(...pair)
  if (/^[a-z_]+(,[a-z_]+)+$/.test(text)) return text.split(',').map(word).join(L('、', ', '))
  // Only a token of a vocabulary is made readable: an edition such as 2020-01_2020-02 stays as it is.
  return /^[a-z]+(_[a-z]+)+$/.test(text) ? text.replaceAll('_', ' ') : String(text)
}
