// The parts of ECharts that the views use; nothing else of it is bundled.
import * as echarts from 'echarts/core'
import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts'
import {
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components'
import { LabelLayout } from 'echarts/features'
import { CanvasRenderer } from 'echarts/renderers'

echarts.use([
  BarChart, HeatmapChart, LineChart, ScatterChart, GridComponent, LegendComponent,
  MarkLineComponent, TooltipComponent, VisualMapComponent, LabelLayout, CanvasRenderer,
]) // prettier-ignore
export { echarts }
