# `gnuplot benchmarks.gnuplot` in this folder: the README's summary of the benchmarks. Both are made of the committed results by `./build.sh --target=Bench`.
set terminal pngcairo noenhanced size 1600,868 font 'DejaVu Sans,11'
set output 'benchmarks.png'
set multiplot
set logscale x
set grid xtics back lt 1 lw 1 lc rgb '#e4e4e4'
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.3,0.3
set tics nomirror scale 0.4
set lmargin at screen 0.475
set rmargin at screen 0.975
set nokey
set label 3 'Speed relative to the peer at its best setting, one thread: at the shape where the ratio is least, in the middle (large), most. 2 = twice as fast, below 1 we lose.' at screen 0.012, screen 0.9585 font 'DejaVu Sans Bold,12'
set tmargin at screen 0.8940
set bmargin at screen 0.3249
set yrange [18.6:-0.6]
set xrange [0.125:256]
set xtics ('0.125' 0.125, '0.25' 0.25, '0.5' 0.5, '1' 1, '2' 2, '4' 4, '8' 8, '16' 16, '32' 32, '64' 64, '128' 128, '256' 256)
set arrow 1 from 1, graph 0 to 1, graph 1 nohead back lw 2 lc rgb '#444444'
set object 1 rectangle from graph 0, graph 0 to 1, graph 1 behind fc rgb '#fdeeee' fs solid noborder
set label 1 'slower ' at 1, graph 1 right offset 0,0.7 tc rgb '#d62728'
set label 2 ' faster' at 1, graph 1 left offset 0,0.7 tc rgb '#1f77b4'
set ytics ('' 0, \
    'stablemax_cross_entropy, forward and backward  vs  libtorch''s cross_entropy' 1, \
    'collapse_free_cross_entropy, forward and backward  vs  libtorch''s cross_entropy' 2, \
    'stablemax_cross_entropy, forward and backward  vs  the paper''s code, in float64' 3, \
    'linear_cross_entropy  vs  libtorch''s linear and cross_entropy' 4, \
    'linear_cross_entropy that leaves out what is below 2^-12  vs  libtorch''s linear and cross_entropy' 5, \
    'GemmKernels, a product of matrices by itself  vs  libtorch''s mm, into an output that exists' 6, \
    '' 7, \
    'softmax, into an output that exists  vs  libtorch''s' 8, \
    'softmax, forward and backward  vs  libtorch''s' 9, \
    '' 10, \
    'perp_grad_  vs  the same, composed of libtorch''s operators' 11, \
    'perp_grad_  vs  one step of AdamW on the same parameters' 12, \
    'stablemax, into an output that exists  vs  the same, composed of libtorch''s operators' 13, \
    'stablemax, into an output that exists  vs  libtorch''s softmax' 14, \
    'stablemax, forward and backward  vs  the same, composed of libtorch''s operators' 15, \
    'stablemax, forward and backward  vs  libtorch''s softmax' 16, \
    'log_stablemax, forward and backward  vs  the same, composed of libtorch''s operators' 17, \
    'log_stablemax, forward and backward  vs  libtorch''s log_softmax' 18)
set label 100 'AMD EPYC (family 25, model 17), 512 bits' at screen 0.012, first 0 font 'DejaVu Sans Bold,11' tc rgb '#555555'
set label 107 'AMD EPYC, 512 bits' at screen 0.012, first 7 font 'DejaVu Sans Bold,11' tc rgb '#555555'
set label 110 'AMD EPYC (family 25, model 1), 256 bits' at screen 0.012, first 10 font 'DejaVu Sans Bold,11' tc rgb '#555555'
# least, middle, most, line
$ratios << END
1.12 1.91 2.33 1
0.99 1.38 2.19 2
19.39 24.70 116.57 3
0.56 1.13 2.13 4
2.16 2.16 3.10 5
0.99 1.02 1.08 6
0.32 1.90 7.01 8
0.69 1.37 2.72 9
2.55 2.56 5.53 11
3.07 5.88 6.56 12
1.37 4.58 6.58 13
0.51 2.35 4.16 14
2.99 4.85 6.42 15
0.49 1.19 1.66 16
2.72 3.38 6.46 17
0.53 1.01 2.43 18
END
color(x) = x < 1 ? 0xd62728 : 0x1f77b4
plot $ratios using 1:4:($3-$1):(0) with vectors nohead lw 2 lc rgb '#9a9a9a', \
     '' using 1:4:(color($1)) with points pt 7 ps 1 lc rgb variable, \
     '' using 3:4:(color($3)) with points pt 7 ps 1 lc rgb variable, \
     '' using 2:4:(color($2)) with points pt 7 ps 1.8 lc rgb variable, \
     '' using 1:4:(strcol(1)):(color($1)) with labels boxed right offset -1.1,0 font ',9' tc rgb variable, \
     '' using 3:4:(strcol(3)):(color($3)) with labels boxed left offset 1.1,0 font ',9' tc rgb variable

unset arrow; unset object; unset label; set grid ytics; set xtics autofreq; set xrange [256:65536]; set logscale x 2; set format x '%.0f'
set label 3 'Memory of linear_cross_entropy, forward and backward: MiB of the whole process at its peak (tokens x features x classes)' at screen 0.012, screen 0.2327 font 'DejaVu Sans Bold,12'
set tmargin at screen 0.2051
set bmargin at screen 0.0553
set yrange [4.6:-0.6]
set ytics ('libtorch, 2048 x 768 x 50257' 0, \
    'ours, 2048 x 768 x 50257' 1, \
    'ours, recomputed in backward, 2048 x 768 x 50257' 2, \
    'ours, 8192 x 256 x 256000' 3, \
    'libtorch, 8192 x 256 x 256000: computed, not run' 4)
# MiB, line
$memory << END
1821 0 0x7f7f7f
708 1 0x1f77b4
715 2 0x1f77b4
1021 3 0x1f77b4
24516 4 0x7f7f7f
END
plot $memory using 1:2:3 with points pt 7 ps 1.8 lc rgb variable, \
     '' using 1:2:(strcol(1)):3 with labels boxed left offset 1.2,0 font ',9' tc rgb variable
unset multiplot
