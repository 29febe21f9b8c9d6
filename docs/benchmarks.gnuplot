# `gnuplot benchmarks.gnuplot` in this folder: the README's summary of the benchmarks. Both are made of the committed results by `./build.sh --target=Bench`.
set terminal pngcairo noenhanced size 1600,1076 font 'DejaVu Sans,11'
set output 'benchmarks.png'
set multiplot
set logscale x
set grid xtics back lt 1 lw 1 lc rgb '#e4e4e4'
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.3,0.3
set tics nomirror scale 0.4
set lmargin at screen 0.52
set rmargin at screen 0.975
set nokey
set label 3 'Speed relative to the peer at its best setting, one thread: at the shape where the ratio is least, in the middle (large), most. 2 = twice as fast, below 1 we lose.' at screen 0.012, screen 0.9665 font 'DejaVu Sans Bold,12'
set tmargin at screen 0.9145
set bmargin at screen 0.2621
set yrange [26.6:-0.6]
set xrange [0.125:2048]
set xtics ('0.125' 0.125, '0.25' 0.25, '0.5' 0.5, '1' 1, '2' 2, '4' 4, '8' 8, '16' 16, '32' 32, '64' 64, '128' 128, '256' 256, '512' 512, '1024' 1024, '2048' 2048)
set arrow 1 from 1, graph 0 to 1, graph 1 nohead back lw 2 lc rgb '#444444'
set object 1 rectangle from graph 0, graph 0 to 1, graph 1 behind fc rgb '#fdeeee' fs solid noborder
set label 1 'slower ' at 1, graph 1 right offset 0,0.7 tc rgb '#d62728'
set label 2 ' faster' at 1, graph 1 left offset 0,0.7 tc rgb '#1f77b4'
set ytics ('' 0, \
    'topk_gate of 4096 tokens or more, forward and backward  vs  the same, composed of libtorch''s operators' 1, \
    'topk_gate of 4096 tokens or more, forward  vs  the same, composed of libtorch''s operators' 2, \
    'topk_gate of 64 or 512 tokens, forward and backward  vs  the same, composed of libtorch''s operators' 3, \
    'topk_gate of 64 or 512 tokens, forward  vs  the same, composed of libtorch''s operators' 4, \
    'the load-balance loss from a gate''s counts  vs  one_hot of the choice' 5, \
    'load_balance_loss  vs  one_hot of the choice' 6, \
    'topk_gate with its load-balance loss  vs  the same, composed of libtorch''s operators' 7, \
    'expert_permutation, there and back, forward and backward  vs  argsort, index_select and index_add' 8, \
    'expert_permutation, the sort alone  vs  argsort and bincount' 9, \
    'linear_cross_entropy  vs  libtorch''s linear and cross_entropy' 10, \
    'linear_cross_entropy that leaves out what is below 2^-12  vs  libtorch''s linear and cross_entropy' 11, \
    'GemmKernels, a product of matrices by itself  vs  libtorch''s mm, into an output that exists' 12, \
    '' 13, \
    'stablemax_cross_entropy, forward and backward  vs  libtorch''s cross_entropy' 14, \
    'collapse_free_cross_entropy, forward and backward  vs  libtorch''s cross_entropy' 15, \
    'stablemax_cross_entropy, forward and backward  vs  the paper''s code, in float64' 16, \
    'perp_grad_  vs  the same, composed of libtorch''s operators' 17, \
    'perp_grad_  vs  one step of AdamW on the same parameters' 18, \
    'softmax, into an output that exists  vs  libtorch''s' 19, \
    'softmax, forward and backward  vs  libtorch''s' 20, \
    'stablemax, into an output that exists  vs  the same, composed of libtorch''s operators' 21, \
    'stablemax, into an output that exists  vs  libtorch''s softmax' 22, \
    'stablemax, forward and backward  vs  the same, composed of libtorch''s operators' 23, \
    'stablemax, forward and backward  vs  libtorch''s softmax' 24, \
    'log_stablemax, forward and backward  vs  the same, composed of libtorch''s operators' 25, \
    'log_stablemax, forward and backward  vs  libtorch''s log_softmax' 26)
set label 100 'AMD EPYC (family 26, model 2), 512 bits' at screen 0.012, first 0 font 'DejaVu Sans Bold,11' tc rgb '#555555'
set label 113 'AMD EPYC (family 25, model 17), 512 bits' at screen 0.012, first 13 font 'DejaVu Sans Bold,11' tc rgb '#555555'
# least, middle, most, line
$ratios << END
7.67 12.85 22.38 1
10.91 18.78 33.29 2
1.64 5.85 14.65 3
3.70 11.91 25.49 4
10.50 423.63 866.85 5
10.29 158.37 431.73 6
15.60 160.91 257.83 7
3.03 3.03 29.75 8
13.27 13.27 13.48 9
0.85 2.65 7.30 10
4.86 4.86 8.41 11
0.98 1.06 1.15 12
1.12 1.91 2.33 14
0.99 1.38 2.19 15
19.39 24.70 116.57 16
1.90 2.10 6.83 17
3.56 6.28 6.31 18
0.42 1.62 5.87 19
0.49 1.21 2.90 20
1.51 3.28 10.40 21
0.28 1.87 2.52 22
2.71 4.15 5.81 23
0.66 1.04 1.27 24
2.74 3.79 5.59 25
0.63 0.94 1.89 26
END
color(x) = x < 1 ? 0xd62728 : 0x1f77b4
plot $ratios using 1:4:($3-$1):(0) with vectors nohead lw 2 lc rgb '#9a9a9a', \
     '' using 1:4:(color($1)) with points pt 7 ps 1 lc rgb variable, \
     '' using 3:4:(color($3)) with points pt 7 ps 1 lc rgb variable, \
     '' using 2:4:(color($2)) with points pt 7 ps 1.8 lc rgb variable, \
     '' using 1:4:(strcol(1)):(color($1)) with labels boxed right offset -1.1,0 font ',9' tc rgb variable, \
     '' using 3:4:(strcol(3)):(color($3)) with labels boxed left offset 1.1,0 font ',9' tc rgb variable

unset arrow; unset object; unset label; set grid ytics; set xtics autofreq; set xrange [256:65536]; set logscale x 2; set format x '%.0f'
set label 3 'Memory of linear_cross_entropy, forward and backward: MiB of the whole process at its peak (tokens x features x classes)' at screen 0.012, screen 0.1877 font 'DejaVu Sans Bold,12'
set tmargin at screen 0.1654
set bmargin at screen 0.0446
set yrange [4.6:-0.6]
set ytics ('libtorch, 2048 x 768 x 50257' 0, \
    'ours, 2048 x 768 x 50257' 1, \
    'ours, recomputed in backward, 2048 x 768 x 50257' 2, \
    'ours, 8192 x 256 x 256000' 3, \
    'libtorch, 8192 x 256 x 256000: computed, not run' 4)
# MiB, line
$memory << END
1789 0 0x7f7f7f
729 1 0x1f77b4
683 2 0x1f77b4
984 3 0x1f77b4
24516 4 0x7f7f7f
END
plot $memory using 1:2:3 with points pt 7 ps 1.8 lc rgb variable, \
     '' using 1:2:(strcol(1)):3 with labels boxed left offset 1.2,0 font ',9' tc rgb variable
unset multiplot
