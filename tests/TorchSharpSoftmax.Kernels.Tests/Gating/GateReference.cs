namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A gate's results and gradients from their definitions, one row at a time in double-double; for rows of finite logits.</summary>
/// <remarks>What is chosen is given, and asserted elsewhere: the definitions of the rest begin with it.</remarks>
internal sealed class GateReference
{
    private readonly Row[] _rows;
    private readonly GateShape _shape;
    private readonly GateRule _rule;
    private readonly long[] _indices;

    internal GateReference(double[] logits, long[] indices, GateShape shape, GateRule rule)
    {
        (_indices, _shape, _rule) = (indices, shape, rule);
        int tokens = (int)shape.Tokens, experts = (int)shape.Experts, kept = (int)shape.Kept;
        _rows = [.. Enumerable.Range(0, tokens).Select(t => new Row(logits.AsSpan(t * experts, experts), Indices(t), rule))];
        Weights = new Expected[tokens * kept];
        Lse = new Expected[tokens];
        Mean = new Expected[experts];
        var (means, sizes) = (new DoubleDouble[experts], new double[experts]);
        for (int t = 0; t < tokens; t++)
        {
            Row row = _rows[t];
            Lse[t] = new Expected(row.Lse, 1 + Math.Abs(row.Top) + Math.Abs((row.Lse - row.Top).Hi));
            for (int j = 0; j < kept; j++)
            {
                Weights[(t * kept) + j] = new Expected(row.Weights[j]).WithRoundedExponent;
            }

            for (int e = 0; e < experts; e++)
            {
                means[e] += row.Shares[e];
                sizes[e] += new Expected(row.Shares[e]).WithRoundedExponent.Size;
            }
        }

        for (int e = 0; e < experts; e++)
        {
            Mean[e] = new Expected(means[e] / (double)tokens, sizes[e] / tokens);
        }
    }

    internal Expected[] Weights { get; }

    internal Expected[] Lse { get; }

    internal Expected[] Mean { get; }

    /// <summary>The logits' gradient; dlse and dmean may be empty.</summary>
    internal Expected[] Backward(double[] dweights, double[] dlse, double[] dmean)
    {
        int tokens = (int)_shape.Tokens, experts = (int)_shape.Experts, kept = (int)_shape.Kept;
        var dx = new Expected[tokens * experts];
        for (int t = 0; t < tokens; t++)
        {
            Row row = _rows[t];
            var (value, size) = (new DoubleDouble[experts], new double[experts]);
            DoubleDouble dot = 0, spread = 0;
            double dotSize = 0, spreadSize = 0;
            for (int j = 0; j < kept; j++)
            {
                double dw = dweights[(t * kept) + j];
                dot += row.Weights[j] * dw;
                dotSize += row.Weights[j].Hi * Math.Abs(dw);
            }

            for (int e = 0; e < experts; e++)
            {
                double h = dmean.Length == 0 ? 0 : dmean[e] / tokens;
                spread += row.Shares[e] * h;
                spreadSize += row.Shares[e].Hi * Math.Abs(h);
            }

            for (int j = 0; j < kept; j++)
            {
                double dw = dweights[(t * kept) + j];
                int e = (int)Indices(t)[j];
                DoubleDouble own = _rule.Mode switch
                {
                    TopKGateMode.Softmax => row.Weights[j] * dw,
                    TopKGateMode.Sigmoid => row.Slopes[e] * (((DoubleDouble)_rule.Scale * dw) - dot) / row.KeptScores,
                    _ => row.Weights[j] * (dw - dot),
                };
                value[e] += own;
                size[e] += _rule.Mode == TopKGateMode.Sigmoid
                    ? row.Slopes[e].Hi * (Math.Abs(_rule.Scale * dw) + dotSize) / row.KeptScores.Hi
                    : row.Weights[j].Hi * (Math.Abs(dw) + dotSize) * (1 + Math.Abs(Math.Log(row.Weights[j].Hi)));
            }

            for (int e = 0; e < experts; e++)
            {
                double h = dmean.Length == 0 ? 0 : dmean[e] / tokens, upstream = dlse.Length == 0 ? 0 : dlse[t];
                DoubleDouble each = _rule.Mode == TopKGateMode.Sigmoid ? row.Slopes[e] * (h - spread) / row.Scores : row.Shares[e] * (h - spread);
                each += row.P[e] * upstream;
                double eachSize = (_rule.Mode == TopKGateMode.Sigmoid ? row.Slopes[e].Hi / row.Scores.Hi : row.Shares[e].Hi) * (Math.Abs(h) + spreadSize);
                eachSize += row.P[e].Hi * Math.Abs(upstream);
                if (_rule.Mode == TopKGateMode.Softmax)
                {
                    each -= row.P[e] * dot;
                    eachSize += row.P[e].Hi * dotSize;
                }

                value[e] += each;
                size[e] += eachSize * (1 + Math.Abs(Math.Log(row.P[e].Hi)));
                dx[(t * experts) + e] = new Expected(value[e], size[e]);
            }
        }

        return dx;
    }

    private ReadOnlySpan<long> Indices(int token) => _indices.AsSpan(token * (int)_shape.Kept, (int)_shape.Kept);

    /// <summary>One row's numbers.</summary>
    private sealed class Row
    {
        internal Row(ReadOnlySpan<double> x, ReadOnlySpan<long> kept, GateRule rule)
        {
            Top = double.NegativeInfinity;
            foreach (double value in x)
            {
                Top = Math.Max(Top, value);
            }

            P = new DoubleDouble[x.Length];
            Slopes = new DoubleDouble[x.Length];
            var scores = new DoubleDouble[x.Length];
            DoubleDouble sum = 0;
            for (int e = 0; e < x.Length; e++)
            {
                P[e] = DoubleDouble.Exp((DoubleDouble)x[e] - Top);
                sum += P[e];
                DoubleDouble small = DoubleDouble.Exp(-Math.Abs(x[e]));
                scores[e] = (x[e] < 0 ? small : 1) / (small + 1);
                Slopes[e] = small / (small + 1) / (small + 1);
                Scores += scores[e];
            }

            Lse = DoubleDouble.Log(sum) + Top;
            for (int e = 0; e < x.Length; e++)
            {
                P[e] /= sum;
            }

            Weights = new DoubleDouble[kept.Length];
            DoubleDouble keptP = 0;
            foreach (long e in kept)
            {
                keptP += P[e];
                KeptScores += scores[e];
            }

            for (int j = 0; j < kept.Length; j++)
            {
                DoubleDouble p = P[kept[j]];
                Weights[j] = rule.Mode switch
                {
                    TopKGateMode.Softmax => p,
                    TopKGateMode.Sigmoid => scores[kept[j]] * rule.Scale / KeptScores,
                    _ => p / keptP,
                };
            }

            Shares = rule.Mode == TopKGateMode.Sigmoid ? [.. scores.Select(s => s / Scores)] : P;
        }

        internal double Top { get; }

        internal DoubleDouble Lse { get; }

        internal DoubleDouble[] P { get; }

        /// <summary>What the mean probability is the mean of.</summary>
        internal DoubleDouble[] Shares { get; }

        internal DoubleDouble[] Weights { get; }

        /// <summary>The derivatives of the scores.</summary>
        internal DoubleDouble[] Slopes { get; }

        internal DoubleDouble Scores { get; } = 0;

        internal DoubleDouble KeptScores { get; } = 0;
    }
}
