// Sentences that tables carry in English, in Chinese: reasons, causes, rules, what would fill a gap.
// Belongs here: wording alone. A sentence that no pattern knows stays as the release has it.

const BOOKS = [
  [/Guangdong Statistical Yearbook/g, '《广东统计年鉴》'],
  [/China City Statistical Yearbook/g, '《中国城市统计年鉴》'],
  [/Urban Construction Statistical Yearbook/g, '《城市建设统计年鉴》'],
  [/Greater Bay Area portal/g, '大湾区统计专页'],
  [/Statistics of the science and technology department of Guangdong/g, '广东省科技厅统计'],
  [/Guangdong bureau, page of city GDP by quarter/g, '广东省统计局分市季度地区生产总值页'],
  [/Output above designated size by two-digit branch in the yearbooks of the cities, and the grouping of branches/g, '各市年鉴分两位数行业的规模以上产值，及行业分组'],
  [/Mobile phone or transport card studies; no yearbook prints it/g, '手机信令或交通卡研究；没有年鉴印出'],
  [/Census tabulation by county/g, '分县普查资料'],
  [/for years between censuses/g, '（普查年之间）'],
  [/county communiques/g, '县区统计公报'],
  [/, the data of (\d+) first stand in edition (\d+)/g, '；$1年数据首见$2年版'],
  [/the data of (\d+) first stand in edition (\d+)/g, '$1年数据首见$2年版'],
  [/any edition from (\d+) on/g, '$1年起任一版'],
  [/from the data of (\d+) on /g, '自$1年数起'],
  [/the statistical yearbook of (\S+), edition (\d+)/g, '$1统计年鉴，$2年版'],
  [/neighbours of table ([\w-]+) in chapter (\d+)/g, '第$2章表$1相邻各表'],
  [/chapter (\d+) \(counties and districts\)/g, '第$1章（县区）'],
  [/chapter (\d+) index tables/g, '第$1章指数表'],
  [/chapter (\d+)/g, '第$1章'],
  [/index table beside GDP by city/g, '分市地区生产总值旁的指数表'],
  [/index table of GDP by city/g, '分市地区生产总值指数表'],
  [/population table, column of annual average population/g, '人口表年平均人口栏'],
  [/tables ([\w-]+) and ([\w-]+)/g, '表$1、表$2'],
  [/table ([\w-]+) until edition (\d+)/g, '表$1（至$2年版）'],
  [/\(([\w-]+) in edition (\d+)\)/g, '（$2年版为$1）'],
  [/edition (\d+) table ([\w-]+) \(data year (\d+) is absent\)/g, '$1年版表$2（缺$3年数）'],
  [/edition (\d+)/g, '$1年版'],
  [/of editions ([\d-]+) and (\d+)/g, '（$1、$2年版）'],
  [/table ([\w-]+)/g, '表$1'],
  [/row of the whole province/g, '全省行'],
  [/GDP per head by city/g, '分市人均地区生产总值'],
  [/per-head GDP/g, '人均地区生产总值'],
  [/R&D of industrial enterprises by city/g, '分市规模以上工业企业R&D'],
  [/R&D by city/g, '分市R&D'],
  [/value added of industry above designated size by city/g, '分市规模以上工业增加值'],
  [/land area table/g, '土地面积表'],
  [/contracts by city/g, '分市技术合同'],
  [/laboratories by city/g, '分市实验室'],
  [/park area and population of the built-up city/g, '公园绿地面积与城区人口'],
]

const books = (text) =>
  BOOKS.reduce((made, [pattern, words]) => made.replace(pattern, words), text)
    .replace(/》 (\d+)/g, '》$1年版')
    .replace(/, /g, '，')
    .replace(/; /g, '；')
    .replace(/([》章]) (?=[第表\d（])/g, '$1')

const WHERE = { 'every vintage': '任何版本', latest: '最新修订', first_published: '首次发布' }
const vintage = (text) => WHERE[text] ?? text.replace(/^as_of:(\d+)$/, '截至$1年版')

const MATCHES = {
  'door-to-door travel time is measured by no source held': '所存来源均不测门到门时间',
  'length, number or rank of facilities is measured by no source held': '所存来源均不测设施的长度、数量或位次',
  'scale of an industry cluster or base is measured by no source held': '所存来源均不测产业集群或基地的规模',
  'public services and utilities are measured by no source held': '所存来源均不测公共服务与市政设施',
  'a count named in the text, measured by no source held': '正文提到的计数，所存来源均不测',
  'water quality by city and section set is kept by no yearly indicator': '分市、分断面口径的水质不在年度指标之内',
  'output of industry by branch and city is not held, nor the grouping of branches': '未存分行业分市产值，也无行业分组',
  'no national total is held': '未存全国总量',
  'advanced manufacturing is kept by no source held': '所存来源均无先进制造业',
  'dispersion at comparable prices needs real growth of every city': '可比价的离散须有每市的实际增速',
  'a rank in a list outside the warehouse': '库外榜单的位次',
  'a limit of a standard, not an observation': '标准限值，不是观测',
  'a summary of several shares, not one figure': '几个占比的概括，不是一个数',
  'the warehouse keeps this quantity by place, not its share of the province': '本库按地区存此量，不存其占全省比重',
}

/** [pattern, Chinese], the pattern holding the whole sentence or one part between semicolons. */
const SENTENCES = [
  [/^No indicator of the warehouse matches: (.+)$/, (m) => (MATCHES[m[1]] ? `本库无对应指标：${MATCHES[m[1]]}` : null)],
  [/^The document prints no number to reach$/, '文献未印出要达到的数'],
  [/^The document prints a dash: there is no figure to check$/, '文献印的是横线：没有可核对的数'],
  [/^Needed ([\d.-]+) a year, observed ([\d.-]+) a year from (\d+) to (\d+)$/, '每年需 $1，$3–$4年实际每年 $2'],
  [/^The horizon has passed, and its value is preliminary: ([\d.]+) in (\d+), ([\d.-]+) % against the target$/, '期限已到而数为初步：$2年 $1，与目标相差 $3%'],
  [/^Must hold in every year from (\d+) to (\d+)$/, '$1–$2年每年均须满足'],
  [/^final values held for (\d+) of (\d+) years, short of the target in (\d+)\. Values by year: (.+)$/, '$2年中有$1年最终值，其中$3年未达标。历年：$4'],
  [/^Every value that the inputs allow \(([\d.-]+) to ([\d.-]+)\) is printed like this$/, '输入所容许的每个值（$1 至 $2）都会印成此数'],
  [/^Computed ([\d.-]+), printed ([\d.-]+)$/, '重算 $1，印刷 $2'],
  [/^Computed ([\d.-]+), printed ([\d.-]+) \(([\d.]+) % apart\)$/, '重算 $1，印刷 $2（相差 $3%）'],
  [/^Computed ([\d.-]+), printed ([\d.-]+) \(less than 0\.01 % apart\)$/, '重算 $1，印刷 $2（相差不到 0.01%）'],
  [/^the printed digits are those of the value cut off, not rounded$/, '印刷位数是截去而非四舍五入所得'],
  [/^Computed ([\d.-]+), which the printed digits allow$/, '重算 $1，印刷位数所容许'],
  [/^rounding of the inputs leaves ([\d.-]+) to ([\d.-]+)$/, '输入的舍入使之在 $1 至 $2 之间'],
  [/^Intervals overlap: computed ([\d.-]+) to ([\d.-]+)$/, '区间相交：重算为 $1 至 $2'],
  [/^Intervals overlap$/, '区间相交'],
  [/^Off by ([\d.-]+), at most one unit of the last printed digit$/, '相差 $1，不超过印刷末位一个单位'],
  [/^made of other figures of the document: (.+)$/, (m) => `由同一文献的其他数字得出：${rule(m[1])}`],
  [/^the province is the sum of its cities$/, '全省为各市之和'],
  [/^the R&D expenditure that the document prints over GDP as first published \((\d+)\)$/, '文献所印R&D经费除以首次发布的地区生产总值（$1年版）'],
  [/^the growth that the document prints over that of residents, those of the first year from the census$/, '文献所印增速除以常住人口增速，首年人口取自普查'],
  [/^residents on the day of the census of (\d+), 1 November$/, '$1年11月1日普查常住人口'],
  [/^the nearest years held: (.+)$/, '最近有数之年：$1'],
  [/^the sum of the cities, which leaves out the budget of the province itself, is (.+)$/, '各市之和（不含省本级）为 $1'],
  [/^the area has ([\d.]+) % of it$/, '该地区占其 $1%'],
  [/^(\d+) of (\d+) members as revised in edition (\d+) have (.+), the others \((.+)\) only an earlier edition, with ([\d.]+)$/, '$2 个成员中 $1 个按$3年版修订，合计 $4；其余（$5）只有较早版次，合计 $6'],
  [/^the printed total would leave these ([\d.-]+)$/, '印刷总数留给这些成员 $1'],
  [/^(\S+) prints the R&D expenditure of (\d+) of (\d+) members, (.+) or ([\d.]+) % of GDP as first published$/, '文献 $1 印有 $3 个成员中 $2 个的R&D经费，共 $4，占首次发布地区生产总值 $5%'],
  [/^the printed ([\d.]+) % needs ([\d.-]+) to ([\d.-]+) 亿元 of the others$/, '印刷的 $1% 须其余成员有 $2 至 $3 亿元'],
  [/^the GDP that the document prints over the residents of the census, (\d+) on 1 November, is (.+)$/, '文献所印地区生产总值除以普查常住人口（11月1日 $1 人）为 $2'],
  [/^No source measures the area: (\d+) of its parts are named by the document and are no divisions$/, '所存来源均不测此区域：文献所列部分中有 $1 个不是行政区划'],
  [/^by rail alone on (\S+), an ordinary workday, (\d+) of (\d+) journeys between members keep (\d+) minutes \(without the ways to and from the station\), (\d+) take longer(.*) \(rail_reach\)$/, (m) => `仅按铁路，${m[1]}（平常工作日）成员之间 ${m[3]} 段行程中 ${m[2]} 段在 ${m[4]} 分钟内（不含两端接驳），${m[5]} 段超出${m[6].replace(/, up to (\d+) minutes/, '（最长 $1 分钟）').replace(/, (\d+) have no train or no station/, '，$1 段无列车或无车站')}（rail_reach）`],
  [/^(\d+): ([\d.]+) with the R&D expenditure that (\S+) prints$/, '$1年：$2（按文献 $3 所印R&D经费）'],
  [/^inputs of several editions \((.+)\)$/, '输入出自多个版次（$1）'],
  [/^land area carried forward from (\d+)$/, '土地面积沿用$1年'],
  [/^GDP as first published over land area carried forward from (\d+)$/, '首次发布的地区生产总值除以沿用$1年的土地面积'],
  [/^广州 and 东莞 over the city propers of all 17 cities in the census of 2020$/, '2020年普查广州、东莞城区人口占17市城区人口'],
  [/^the printed rate of (\d+) days$/, '按$1天的印刷率'],
  [/^(\d+) of (\d+) days$/, '$2天中$1天'],
  [/^Missing under (\S+|every vintage): .*\(([\w]+)\) for (\d+)$/, (m, names) => `${vintage(m[1])}缺${m[3]}年的${names(m[2])}`],
  [/^Missing under (\S+|every vintage): .*\(([\w]+)\) for (\d+) is held for (\d+) of (\d+) members$/, (m, names) => `${vintage(m[1])}缺${m[3]}年的${names(m[2])}：${m[5]} 个成员中 ${m[4]} 个有数`],
  [/^Missing under (\S+|every vintage): the total of the province$/, (m) => `${vintage(m[1])}缺全省总数`],
  [/^The provincial total of this vintage is not held\. The sum of the cities, which exceeded the province before the fourth economic census put both into one account, gives ([\d.-]+)$/, '未存此版本的全省总数。各市之和（第四次经济普查统一核算前大于全省）得 $1'],
  [/^No annual mean of the place and year is held: neither a bulletin of the year nor its days$/, '未存此地此年的年均值：既无当年公报，也无逐日数'],
  [/^imports and exports of the area over those of all cities of the province$/, '该地区进出口占全省各市之和'],
  [/^whole cities as published, parts of (.+) and (.+) by population share \(lower end\) and by output share \(upper end and point\)$/, '全市按公布值，$1、$2的部分按人口分摊（下端）与按产出分摊（上端与取值）'],
  [/^the rates of (\d+) and (\d+) are not held$/, '未存$1、$2年增速'],
  [/^the rates of (\d+) and (\d+) are not held\. At current prices, guangdong_yearbook (\d+), the nine cities give ([\d.]+)$/, '未存$1、$2年增速。按现价，《广东统计年鉴》$3年版，九市得 $4'],
  [/^the rates of (\d+) and (\d+) are not held\. At current prices, guangdong_yearbook (\d+), the nine cities give ([\d.]+) to ([\d.]+) by the choice of mean and divisor$/, '未存$1、$2年增速。按现价，《广东统计年鉴》$3年版，九市按均值与除数的取法得 $4 至 $5'],
  [/^(\d+) failing of (\d+)$/, '$2 行中 $1 行未过'],
  [/^held for (\d+) years between (\d+) and (\d+)$/, '$2–$3年之间有$1年'],
  [/^held for (\d+) to (\d+)$/, '有$1–$2年'],
  [/^held for (\d+) only$/, '仅有$1年'],
  [/^would be filled by (.+)$/, (m) => `可补自：${books(m[1])}`],
  [/^How many sections the city has is not printed$/, '未印出该市断面数'],
  [/^the smallest number that gives the rate is (\d+) of (\d+)$/, '能得出该率的最小数为 $2 个中的 $1 个'],
  [/^A published rank: neither the index of the cities is held nor its formula \((.+)\)$/, '公布的位次：未存各市指数，也无其公式（$1）'],
  [/^The rank among (\d+) cities needs the rate of each$/, '$1市排名须有每市的率'],
  [/^(\d+) are printed, and leave places (\d+) to (\d+) open, the printed one among them$/, '已印出$1个，可定在第$2至$3位，印刷位次在其中'],
  [/^mean of (\d+) days of hourly city values, kept by a third party \((.+)\)$/, '$1天城市小时值的平均，第三方保存（$2）'],
  [/^counted in the table of divisions$/, '按区划表计数'],
  [/^东莞 and 中山 have no county-level units$/, '东莞、中山不设县级单元'],
  [/^cities by their population of the city proper in the census of 2020$/, '按2020年普查城区人口分级的城市'],
  [/^the urban construction yearbook, which the paper seems to use, counts otherwise(?: \((.+)\))?$/, (m) => `论文似用城市建设统计年鉴，口径不同${m[1] ? `（${m[1]}）` : ''}`],
  [/^The population of the built-up city that the area is divided by is not held$/, '未存作分母的城区人口'],
  [/^No edition held prints a usable value for this place and year$/, '所存版次均未印出此地此年的可用数'],
  [/^No edition held prints a usable value for any member in this year$/, '所存版次均未印出任何成员此年的可用数'],
  [/^Resident population of counties is held for the censuses only$/, '县区常住人口仅有普查年'],
  [/^County GDP stands in .* neither is held for this unit and year$/, '县区地区生产总值见《广东统计年鉴》第23章与县区统计公报，此单元此年均未存'],
  [/^City resident population at year end is held for .*$/, '城市年末常住人口：《中国城市统计年鉴》2020、2023年，《广东统计年鉴》2018年起，大湾区统计专页（珠三角九市）1999年起'],
  [/^No source held prints it for any member in any year$/, '所存来源未印出任何成员任何年份的数'],
  [/^Edition (\d+) of the China City Statistical Yearbook prints nominal growth under this name \((.+)\), so its rates are not used$/, '《中国城市统计年鉴》$1年版在此名下印的是名义增速（$2），故不用'],
  [/^Edition (\d+) of the China City Statistical Yearbook prints districts only$/, '《中国城市统计年鉴》$1年版只印市辖区'],
  [/^no edition held prints the rate of (\d+) of any city$/, '所存版次均未印$1年各市增速'],
  [/^The (\d+) edition of the China City Statistical Yearbook prints districts only$/, '《中国城市统计年鉴》$1年版只印市辖区'],
  [/^no edition held prints the whole-city GDP of (\d+) of this city$/, '所存版次均未印该市$1年全市地区生产总值'],
  [/^Printed in (\S+) (\d+), but excluded by the correction (\S+)$/, '$2年版（$1）有印，但按订正 $3 排除'],
  [/^left out on purpose: ([^;]+)$/, (m) => `有意不收：${LEFT[m[1]] ?? leftOut(m[1])}`],
  [/^its figures stay in tidy$/, '其数留在 tidy'],
  [/^its per-head value is a sum of two per-head values$/, '其人均值为两个人均值之和'],
  [/^0 \(or PM10 of 1 below PM2\.5\) stands for nothing measured$/, '0（或 PM10 为 1 而低于 PM2.5）表示未测'],
  [/^the cell stays empty$/, '该格留空'],
  [/^its cells stay empty$/, '各格留空'],
  [/^the value is not a number$/, '不是数字'],
  [/^index 0 stands for a day without data$/, '指数 0 表示当日无数据'],
  [/^a single division$/, '单一行政区划'],
  [/^a mapped header$/, '已登记的表头'],
  [/^a number above 0$/, '大于 0 的数'],
  [/^a number or one of the marks for no figure \((.+)\)$/, '数字或无数记号（$1）'],
  [/^no daily or hourly series of the place that gives the measure covers the period$/, '没有覆盖此期、能得出该指标的当地逐日或逐时序列'],
  [/^days are missing: (\d+) of (\d+)$/, '缺日：$2天中有$1天'],
  [/^the archive cuts concentrations to whole numbers$/, '存档把浓度截成整数'],
  [/^made of hourly city values$/, '由城市小时值得出'],
  [/^the authority takes the mean of the stations' days$/, '主管部门取各站日均值的平均'],
  [/^different sets of stations: (\w+) and (\w+)$/, '监测网不同：$1 与 $2'],
  [/^different states of concentrations: (\w+) and (\w+)$/, '浓度状态不同：$1 与 $2'],
  [/^not known$/, '不明'],
  [/^nothing is recomputed$/, '没有重算'],
  [/^the province is made of its cities: see air_period_check$/, '全省由各市得出：见 air_period_check'],
  [/^tie: the recomputed value lies at the end of the printed interval$/, '恰在端点：重算值落在印刷区间的端点'],
  [/^Needs (\d+) members, the circle has (\d+): a shorter sum would be another measure$/, '须有 $1 个成员，此圈有 $2 个：少算即成另一指标'],
  [/^Fewer than (\d+) members: descriptive only$/, '少于 $1 个成员：仅作描述'],
  [/^made from the values of the same bulletin$/, '由同一公报的数值得出'],
  [/^HJ 663-2013 evaluates years$/, 'HJ 663-2013 按年评价'],
  [/^a month is made by the same rule$/, '月按同一规则'],
  [/^fewer valid days than HJ 663-2013 asks for.*$/, '有效天数少于 HJ 663-2013 的要求'],
  [/^the record holds no concentration$/, '记录中没有浓度'],
  [/^weighted with the denominator( \(Williamson\))?$/, '按分母加权$1'],
  [/^weighted with the numerator$/, '按分子加权'],
  [/^value of the circle as mean, divisor n( - 1)?$/, '以圈值为均值，除数 n$1'],
  [/^simple mean, divisor n( - 1)?$/, '简单平均，除数 n$1'],
  [/^each member counts once$/, '每个成员等权'],
  [/^sum of members$/, '成员之和'],
  [/^sum of parts$|^sum_of_parts$/, '各部分之和'],
  [/^sum_of_cities$|^sum of cities$/, '各市之和'],
  [/^ratio of sums$/, '总量之比'],
  [/^ratio$/, '比值'],
  [/^denominator sum_of_cities$/, '分母为各市之和'],
  [/^(?:parts )?mean_of_year_ends$/, '两个年末之平均'],
  [/^ratio across editions$/, '跨版次的比值'],
  [/^difference across editions$/, '跨版次的差'],
  [/^difference$/, '差'],
  [/^weighted mean of members$/, '成员加权平均'],
  [/^chain$/, '链式'],
  [/^weights (\w+) of the (same year|year before)$/, (m, names) => `权重为${m[2] === 'same year' ? '当年' : '上年'}${names(m[1])}`],
  [/^trial account, (\w+)$/, (m) => `试算，${{ output_share: '按产出分摊', population_share: '按人口分摊' }[m[1]] ?? m[1]}`],
  [/^percentage points a year$/, '百分点/年'],
  [/^official notice, outside copyright \(Copyright Law, article 5\)$/, '官方公告，不受著作权保护（著作权法第五条）'],
  [/^official document$/, '官方文件'],
  [/^not stated$/, '未注明'],
  [/^all rights reserved$/, '保留所有权利'],
  [/^public lists, collected by (.+)$/, '公开名录，$1 汇集'],
  [/^copy by (.+) under (.+)$/, '$1 的副本，$2 许可'],
  [/^Members expanded from an abbreviation$/, '成员由简称展开'],
  [/^Only the title of a plan$/, '仅有规划标题'],
  [/^members expanded from an abbreviation$/, '成员由简称展开'],
  [/^Not complete$/, '不完整'],
  [/^Extent (of the metropolitan areas )?not defined$/, '范围未界定'],
  [/^Zones across the border$/, '跨界片区'],
  [/^no areas per zone$/, '未给各片区面积'],
  [/^Not part of the circle$/, '不属都市圈'],
  [/^extent of the parts is not given$/, '未给各部分范围'],
  [/^Nine whole cities$/, '九个全市'],
  [/^another region than GZ_OFFICIAL2023 under the same name$/, '与 2023 规划的广州都市圈同名而不同区域'],
  [/^Two whole cities and seven county units of Zhaoqing and Qingyuan$/, '两个全市，加肇庆、清远的七个县级单元'],
  [/^The paper uses core area in two meanings$/, '论文的“核心区”有两种含义'],
  [/^Crosses the Pearl River West circle and the paper's nine cities$/, '跨珠江口西岸都市圈与论文九市'],
  [/^Illustrative, not complete$/, '举例，不完整'],
  [/^Read from an exclusion$/, '由排除之语读出'],
  [/^not the full Pearl River Delta$/, '不是完整的珠三角'],
  [/^Reaches into Hunan and Jiangxi$/, '伸入湖南、江西'],
  [/^Reaches into Guangxi$/, '伸入广西'],
  [/^whether Xinhui belongs to it is not said$/, '未说新会是否在内'],
]

const LEFT = {
  'the nine delta cities are a region and no division': '珠三角九市是区域，不是行政区划',
  'one polygon of two districts': '两区合为一个图斑',
}
const leftOut = (text) => {
  const [, count] = /^region, not a division: equals the sum of its (\w+) cities$/.exec(text) ?? []
  if (count) return `区域，不是行政区划：等于其${{ nine: '九', five: '五', four: '四', three: '三' }[count] ?? count}市之和`
  const [, name, code] = /^repeats the municipality of (\S+) \((\d+)\)(?:, .*)?$/.exec(text) ?? []
  if (name) return `重复${name}市（${code}）`
  if (text.startsWith('unit is not stated by the file')) return '文件未注明单位（仅凭大小似为万元），单位从不猜测'
  return text
}

const RULES = [
  [/^(\d+) less (\d+)$/, '$1减$2'],
  [/^circle over province$/, '圈占全省'],
  [/^100 less the other two shares of the row$/, '100减同行另两个比重'],
  [/^R&D expenditure over GDP$/, 'R&D经费除以地区生产总值'],
  [/^GDP over land area$/, '地区生产总值除以土地面积'],
  [/^GDP over resident population$/, '地区生产总值除以常住人口'],
  [/^density over density of the province$/, '密度与全省密度之比'],
  [/^sum of the nine cities$/, '九市之和'],
  [/^sum of the two cities$/, '两市之和'],
]
const rule = (text) => first(RULES, text) ?? text

function first(list, text, names) {
  for (const [pattern, made] of list) {
    const match = pattern.exec(text)
    if (!match) continue
    const said = typeof made === 'function' ? made(match, names) : text.replace(pattern, made)
    if (said) return said
  }
  return null
}

/**
 * A sentence of the release in Chinese, part by part; null when a part is not known.
 * names: indicator_id -> its Chinese name.
 */
export function chinese(text, names = (id) => id) {
  const whole = first(SENTENCES, text, names)
  if (whole) return whole
  const parts = text.split('; ')
  if (parts.length > 1) {
    const made = parts.map((part) => first(SENTENCES, part, names) ?? known(part))
    if (made.every(Boolean)) return made.join('；')
  }
  return known(text)
}

/** A publication that would fill a gap; null when English words are left. */
function known(text) {
  const made = books(text)
  return /[a-z]{3,}/.test(made.replace(/R&D|GDP|github|HJ \d+/g, '')) ? null : made
}
