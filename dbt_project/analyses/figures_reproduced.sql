-- 论文与规划中的数字，有多少能复算出来？
-- Of the figures that the paper and the plans print, how many does the warehouse reproduce?
-- internally_consistent says only that a document agrees with itself: it is counted apart.
select
    document,
    vintage,
    count(*) as figures,
    count(*) filter (where status = 'reproduced') as reproduced,
    count(*) filter (where status = 'consistent') as consistent,
    count(*) filter (where status = 'rounding') as rounding,
    count(*) filter (where status = 'mismatch') as mismatch,
    count(*) filter (where status = 'internally_consistent') as internally_consistent,
    count(*) filter (where status = 'not_computable') as not_computable
from printed_figure_check
group by document, vintage
order by document, vintage
