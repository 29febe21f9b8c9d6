namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A head, its input and its targets; everything as doubles that the stored type holds exactly.</summary>
internal sealed record CutCrossEntropyProblem(int Tokens, int Features, int Classes, double[] Input, double[] Weight)
{
    internal CrossEntropyLink Link { get; init; } = CrossEntropyLink.Softmax;

    /// <summary>The rows of the input that count.</summary>
    internal long[] RowIndex { get; init; } = [.. Enumerable.Range(0, Tokens)];

    internal double[]? Bias { get; init; }

    internal double[]? ClassWeight { get; init; }

    /// <summary>[counted rows, TargetsPerRow]; empty beside probabilities.</summary>
    internal long[] Targets { get; init; } = [];

    internal double[]? Shares { get; init; }

    internal int TargetsPerRow { get; init; } = 1;

    /// <summary>[tokens, classes].</summary>
    internal double[]? Probabilities { get; init; }

    internal double Softcap { get; init; }

    internal double Scale { get; init; } = 1;

    internal double Smoothing { get; init; }

    internal bool WantsEntropy { get; init; }

    internal double Squares { get; init; }

    /// <summary>One for each counted row.</summary>
    internal CutCrossEntropyUpstream[] Upstream { get; init; } = [];

    internal int Rows => RowIndex.Length;

    public override string ToString() =>
        $"{Link} {Rows} of {Tokens} tokens x {Features} features, {Classes} classes, {TargetsPerRow} targets{(Shares is null ? "" : " with shares")}{(Probabilities is null ? "" : ", probabilities")}"
        + $"{(Bias is null ? "" : ", bias")}{(ClassWeight is null ? "" : ", class weights")}, cap {Softcap}, scale {Scale}, smoothing {Smoothing}{(WantsEntropy ? ", entropy" : "")}, squares {Squares}";
}

/// <summary>Results and gradients, each with the size of what they are made of: an eps of that is the unit of an error.</summary>
internal sealed class CutCrossEntropyReference
{
    private readonly CutCrossEntropyProblem _problem;
    private readonly double[] _logits, _sizes, _counts;

    internal CutCrossEntropyReference(CutCrossEntropyProblem problem)
    {
        _problem = problem;
        int v = problem.Classes;
        _logits = new double[problem.Rows * v];
        _sizes = new double[problem.Rows * v];
        _counts = new double[problem.Rows];
        InputGradient = new Expected[problem.Rows * problem.Features];
        WeightGradient = new Expected[v * problem.Features];
        BiasGradient = new Expected[v];
        Results = new CutCrossEntropyRow[problem.Rows];
        Sizes = new double[problem.Rows];
        for (int row = 0; row < problem.Rows; row++)
        {
            FindLogits(row);
            FindResults(row);
        }
    }

    internal CutCrossEntropyRow[] Results { get; }

    /// <summary>The largest size of a row's logits.</summary>
    internal double[] Sizes { get; }

    internal Expected[] InputGradient { get; }

    internal Expected[] WeightGradient { get; }

    internal Expected[] BiasGradient { get; }

    /// <summary>From the upstream gradients of the problem.</summary>
    internal void Differentiate()
    {
        var (d, v) = (_problem.Features, _problem.Classes);
        double[] weight = new double[v * d], weightSize = new double[v * d], bias = new double[v], biasSize = new double[v];
        for (int row = 0; row < _problem.Rows; row++)
        {
            double[] input = new double[d], inputSize = new double[d];
            for (int c = 0; c < v; c++)
            {
                var (g, size) = Gradient(row, c);
                bias[c] += g;
                biasSize[c] += size;
                for (int i = 0; i < d; i++)
                {
                    double x = _problem.Input[(_problem.RowIndex[row] * d) + i], w = _problem.Weight[(c * d) + i];
                    input[i] += g * w;
                    inputSize[i] += size * Math.Abs(w);
                    weight[(c * d) + i] += g * x;
                    weightSize[(c * d) + i] += size * Math.Abs(x);
                }
            }

            for (int i = 0; i < d; i++)
            {
                InputGradient[(row * d) + i] = new(input[i], inputSize[i]);
            }
        }

        for (int i = 0; i < weight.Length; i++)
        {
            WeightGradient[i] = new(weight[i], weightSize[i]);
        }

        for (int c = 0; c < v; c++)
        {
            BiasGradient[c] = new(bias[c], biasSize[c]);
        }
    }

    private double Logit(int row, int c) => _logits[(row * _problem.Classes) + c];

    private double LogTerm(double x) => _problem.Link == CrossEntropyLink.Softmax ? x : x >= 0 ? Math.Log(1 + x) : -Math.Log(1 - x);

    private double Slope(double x) => _problem.Link == CrossEntropyLink.Softmax ? 1 : 1 / (1 + Math.Abs(x));

    private double ClassWeight(long c) => _problem.ClassWeight?[c] ?? 1;

    private void FindLogits(int row)
    {
        int d = _problem.Features;
        for (int c = 0; c < _problem.Classes; c++)
        {
            double sum = _problem.Bias?[c] ?? 0, size = Math.Abs(sum);
            for (int i = 0; i < d; i++)
            {
                double product = _problem.Input[(_problem.RowIndex[row] * d) + i] * _problem.Weight[(c * d) + i];
                sum += product;
                size += Math.Abs(product);
            }

            double x = sum * _problem.Scale;
            int at = (row * _problem.Classes) + c;
            _logits[at] = _problem.Softcap > 0 ? _problem.Softcap * Math.Tanh(x / _problem.Softcap) : x;
            _sizes[at] = size * Math.Abs(_problem.Scale);
        }
    }

    /// <summary>What a class counts in a row: targets, and what smoothing spreads.</summary>
    private (double Target, double Spread) Counts(int row, int c)
    {
        double target = _problem.Probabilities is { } p ? p[(_problem.RowIndex[row] * _problem.Classes) + c] : 0;
        for (int k = 0; k < _problem.TargetsPerRow && _problem.Probabilities is null; k++)
        {
            int at = (row * _problem.TargetsPerRow) + k;
            target += _problem.Targets[at] == c ? _problem.Shares?[at] ?? 1 : 0;
        }

        return (target * ClassWeight(c) * (1 - _problem.Smoothing), ClassWeight(c) * _problem.Smoothing / _problem.Classes);
    }

    private void FindResults(int row)
    {
        int v = _problem.Classes;
        double[] logs = [.. Enumerable.Range(0, v).Select(c => LogTerm(Logit(row, c)))];
        double max = logs.Max(), lse = max + Math.Log(logs.Sum(x => Math.Exp(x - max))), loss = 0, entropy = 0;
        for (int c = 0; c < v; c++)
        {
            var (target, spread) = Counts(row, c);
            loss += target + spread == 0 ? 0 : (target + spread) * (lse - logs[c]);
            _counts[row] += target + spread;
            entropy += double.IsNegativeInfinity(logs[c]) ? 0 : Math.Exp(logs[c] - lse) * (lse - logs[c]);
        }

        double[] all = [.. Enumerable.Range(0, v).Select(c => Logit(row, c))];
        Results[row] = new(loss, lse, 0, entropy, Array.IndexOf(all, all.Max()));
        Sizes[row] = Math.Abs(lse) + _sizes[(row * v)..((row + 1) * v)].Max();
    }

    private (double Gradient, double Size) Gradient(int row, int c)
    {
        CutCrossEntropyUpstream u = _problem.Upstream[row];
        CutCrossEntropyRow result = Results[row];
        var (target, spread) = Counts(row, c);
        double all = _counts[row], x = Logit(row, c), log = LogTerm(x), p = Math.Exp(log - result.LogSumExp), ofLogSum = u.OfLogSumExp + (2 * _problem.Squares * result.LogSumExp);
        double part = p == 0 ? 0 : p * (log - result.LogSumExp + result.Entropy);
        double gradient = (p * ((u.OfLoss * all) + ofLogSum)) - (u.OfLoss * (target + spread)) - (u.OfEntropy * part);
        double cap = _problem.Softcap > 0 ? 1 - (x / _problem.Softcap * (x / _problem.Softcap)) : 1;
        double slope = Slope(x) * cap * _problem.Scale;
        double size = (p * (Math.Abs(u.OfLoss * all) + Math.Abs(ofLogSum) + (Math.Abs(u.OfEntropy) * (1 + Sizes[row])))) + Math.Abs(u.OfLoss * (target + spread));
        return (gradient * slope, size * Math.Abs(_problem.Scale) * Slope(x) * (1 + Sizes[row]));
    }
}
