# The packages' icon, `gnuplot icon.gnuplot` in this folder: five logits' softmax as bars, and the exponential over them.
set terminal pngcairo size 128,128 background rgb "#1b2440"
set output "icon.png"
set margins 1, 1, 0.6, 0.6
unset border; unset tics; unset key
set xrange [-0.6:4.6]; set yrange [0:1.1]
set boxwidth 0.68; set style fill solid
set samples 200
f(x) = exp(0.55 * (x - 4))
$logits << END
0
1
2
3
4
END
plot $logits using 1:(f($1)) with boxes lc rgb "#5b8def", f(x) + 0.05 with lines lw 4 lc rgb "#ffb454"
