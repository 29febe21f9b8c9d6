namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Weighted sums of rows and their gradients, closed once per stored type below: against exact sums, between guard pages, at every width.</summary>
public abstract unsafe class GateCombineTests<S, E, C, F>
    where S : unmanaged
    where E : IElement<S>
    where C : unmanaged
    where F : IElement<C>
{
    /// <summary>Terms that a lane adds up one by one, of a dot product: as many roundings at worst, and a few for lanes and folds.</summary>
    private const int TermsPerFold = 32, Folds = 8;

    private static readonly (int Tokens, int Kept, int Features)[] s_shapes =
    [
        (1, 1, 1), (3, 2, 1), (5, 3, 7), (4, 8, 16), (7, 2, 31), (3, 1, 33), (2, 4, 64), (3, 3, 65), (9, 2, 130), (2, 2, 515), (2, 1, 1100), (4, 3, 0), (0, 2, 5),
    ];

    [Fact]
    public void Every_shape_gives_the_exact_sums_wherever_memory_lies_and_nothing_else_is_written()
    {
        foreach ((int tokens, int kept, int features) in s_shapes)
        {
            foreach (bool gaps in (bool[])[false, true])
            {
                var data = new Data(tokens, kept, features, gaps);
                Expected[] sums = data.Sums(weighted: true), plain = data.Sums(weighted: false), drows = data.RowsGradient(), dweights = data.WeightsGradient();
                foreach (int bits in Widths.Each())
                {
                    foreach (Placement placement in Enum.GetValues<Placement>())
                    {
                        string what = $"{tokens} x {kept} x {features}, gaps {gaps}, width {bits}, {placement}";
                        Close.Assert<S, E>($"{what} sums", data.Combine(weighted: true, placement), sums, kept);
                        Close.Assert<S, E>($"{what} plain", data.Combine(weighted: false, placement), plain, kept);
                        (S[] rows, C[] weights) = data.Backward(true, true, placement);
                        Close.Assert<S, E>($"{what} rows' gradient", rows, drows, 1);
                        Close.Assert<C, F>($"{what} weights' gradient", weights, dweights, TermsPerFold + Folds);
                        Bits.AssertSame<S>($"{what} rows alone", rows, data.Backward(true, false, placement).Rows);
                        Bits.AssertSame<C>($"{what} weights alone", weights, data.Backward(false, true, placement).Weights);
                    }
                }
            }
        }
    }

    [Fact]
    public void Neither_width_nor_threads_change_a_bit_of_the_sums_and_threads_none_of_the_gradients()
    {
        var data = new Data(603, 4, 70, gaps: true);
        S[]? sums = null, drows = null;
        foreach (int bits in Widths.Each())
        {
            sums ??= data.Combine(weighted: true, Placement.Ending);
            (S[] rows, C[] weights) = data.Backward(true, true, Placement.Ending);
            drows ??= rows;
            Bits.AssertSame<S>($"rows' gradient at {bits}", drows, rows);
            foreach (int threads in (int[])[1, 2, 3])
            {
                Bits.AssertSame<S>($"sums at {bits} on {threads}", sums, data.Combine(weighted: true, Placement.Ending, threads));
                (S[] sameRows, C[] sameWeights) = data.Backward(true, true, Placement.Ending, threads);
                Bits.AssertSame<S>($"rows' gradient at {bits} on {threads}", rows, sameRows);
                Bits.AssertSame<C>($"weights' gradient at {bits} on {threads}", weights, sameWeights);
            }
        }
    }

    [Fact]
    public void A_gradient_that_is_written_past_the_caches_has_the_same_bits_as_one_that_is_not()
    {
        const int features = 512, kept = 2;
        using IDisposable streams = KernelTour.Streams();
        var data = new Data((KernelTour.StreamedBytes / sizeof(S) / features / kept) + 1, kept, features, gaps: false);
        S[]? first = null;
        foreach (int bits in Widths.Each())
        {
            S[] streamed = data.Backward(true, false, Placement.Beginning).Rows; // the one that lies so that whole lines can be written
            Bits.AssertSame<S>($"at {bits}", data.Backward(true, false, Placement.OffByOne).Rows, streamed);
            first ??= streamed;
            Bits.AssertSame<S>($"widths, {bits}", first, streamed);
        }
    }

    [Fact]
    public void A_place_without_a_row_counts_as_zeros_whatever_its_weight_and_the_upstream_gradient()
    {
        const double nan = double.NaN, inf = double.PositiveInfinity;
        foreach (int bits in Widths.Each())
        {
            var data = new Data([[2, 3]], [nan, 0.5, inf], [inf, nan], [-1, 0, -1], 1, 3);
            Assert.Equal([1, 1.5], Elements.ToDoubles<S, E>(data.Combine(weighted: true, Placement.Ending)));
            (S[] rows, C[] weights) = data.Backward(true, true, Placement.Ending);
            Assert.Equal([inf, nan], Elements.ToDoubles<S, E>(rows));
            Assert.Equal([0, nan, 0], Elements.ToDoubles<C, F>(weights));
            var none = new Data([], [nan, inf], [1, 2], [-1, -1], 1, 2);
            Assert.Equal([0, 0], Elements.ToDoubles<S, E>(none.Combine(weighted: true, Placement.Ending)));
            Assert.Equal([0, 0], Elements.ToDoubles<C, F>(none.Backward(true, true, Placement.Ending).Weights));
        }
    }

    private sealed class Data
    {
        private readonly int _tokens, _kept, _features;
        private readonly long[] _places;
        private readonly S[] _rows, _dy;
        private readonly C[] _weights;

        /// <summary>Rows in a random order; with gaps every third place has none.</summary>
        internal Data(int tokens, int kept, int features, bool gaps)
        {
            (_tokens, _kept, _features) = (tokens, kept, features);
            var random = new Random(tokens + kept + features);
            bool[] isNamed = [.. Enumerable.Range(0, tokens * kept).Select(_ => !gaps || random.Next(3) > 0)];
            long[] order = [.. Enumerable.Range(0, isNamed.Count(named => named)).Select(row => (long)row)];
            random.Shuffle(order);
            int next = 0;
            _places = [.. isNamed.Select(named => named ? order[next++] : -1)];
            _rows = Elements.From<S, E>(Samples.Normal(1, order.Length * features));
            _dy = Elements.From<S, E>(Samples.Normal(2, tokens * features));
            _weights = Elements.From<C, F>(Samples.Normal(3, tokens * kept));
        }

        internal Data(double[][] rows, double[] weights, double[] dy, long[] places, int tokens, int kept)
        {
            (_tokens, _kept, _features, _places) = (tokens, kept, dy.Length / tokens, places);
            _rows = Elements.From<S, E>([.. rows.SelectMany(row => row)]);
            (_dy, _weights) = (Elements.From<S, E>(dy), Elements.From<C, F>(weights));
        }

        internal S[] Combine(bool weighted, Placement placement, int threads = 1)
        {
            using GuardedMemory<S> ofRows = new(_rows.Length), ofY = new(_dy.Length);
            using GuardedMemory<C> ofWeights = new(_weights.Length);
            using GuardedMemory<long> ofPlaces = new(_places.Length);
            GuardedRow<S> rows = ofRows.Row(_rows, placement), y = ofY.Row(_dy.Length, placement);
            GuardedRow<C> weights = ofWeights.Row(_weights, placement);
            GuardedRow<long> places = ofPlaces.Row(_places, placement);
            new Random(1).NextBytes(new Span<byte>(y.Pointer, _dy.Length * sizeof(S)));
            GateKernels.Combine<S>(
                new()
                {
                    Tokens = _tokens,
                    Kept = _kept,
                    Features = _features,
                    Rows = rows.Pointer,
                    Places = places.Pointer,
                    Weights = weighted ? weights.Pointer : null,
                    Tokenwise = y.Pointer,
                },
                threads);
            y.AssertNothingElseWritten("sums");
            Bits.AssertSame<S>("the rows", _rows, rows.Span);
            Bits.AssertSame<C>("the weights", _weights, weights.Span);
            return y.Span.ToArray();
        }

        internal (S[] Rows, C[] Weights) Backward(bool ofRows, bool ofWeights, Placement placement, int threads = 1)
        {
            using GuardedMemory<S> inRows = new(_rows.Length), inDy = new(_dy.Length), outRows = new(_rows.Length);
            using GuardedMemory<C> inWeights = new(_weights.Length), outWeights = new(_weights.Length);
            using GuardedMemory<long> inPlaces = new(_places.Length);
            GuardedRow<S> rows = inRows.Row(_rows, placement), dy = inDy.Row(_dy, placement), drows = outRows.Row(_rows.Length, placement);
            GuardedRow<C> weights = inWeights.Row(_weights, placement), dweights = outWeights.Row(_weights.Length, placement);
            GuardedRow<long> places = inPlaces.Row(_places, placement);
            new Random(1).NextBytes(new Span<byte>(drows.Pointer, _rows.Length * sizeof(S)));
            new Random(2).NextBytes(new Span<byte>(dweights.Pointer, _weights.Length * sizeof(C)));
            GateKernels.CombineBackward<S>(
                new()
                {
                    Tokens = _tokens,
                    Kept = _kept,
                    Features = _features,
                    Rows = rows.Pointer,
                    Places = places.Pointer,
                    Weights = weights.Pointer,
                    Tokenwise = dy.Pointer,
                    RowsGradient = ofRows ? drows.Pointer : null,
                    WeightsGradient = ofWeights ? dweights.Pointer : null,
                },
                threads);
            drows.AssertNothingElseWritten("rows' gradient");
            dweights.AssertNothingElseWritten("weights' gradient");
            Bits.AssertSame<S>("the rows", _rows, rows.Span);
            Bits.AssertSame<S>("the upstream gradient", _dy, dy.Span);
            return (drows.Span.ToArray(), dweights.Span.ToArray());
        }

        internal Expected[] Sums(bool weighted)
        {
            double[] rows = Elements.ToDoubles<S, E>(_rows), weights = Elements.ToDoubles<C, F>(_weights);
            return
            [
                .. from t in Enumerable.Range(0, _tokens)
                   from i in Enumerable.Range(0, _features)
                   select Exact(
                       from j in Enumerable.Range(t * _kept, _kept)
                       where _places[j] >= 0
                       select (weighted ? weights[j] : 1, rows[(_places[j] * _features) + i])),
            ];
        }

        internal Expected[] RowsGradient()
        {
            double[] dy = Elements.ToDoubles<S, E>(_dy), weights = Elements.ToDoubles<C, F>(_weights);
            var exact = new Expected[_rows.Length];
            for (int slot = 0; slot < _places.Length; slot++)
            {
                for (int i = 0; _places[slot] >= 0 && i < _features; i++)
                {
                    exact[(_places[slot] * _features) + i] = Exact([(weights[slot], dy[(slot / _kept * _features) + i])]);
                }
            }

            return exact;
        }

        internal Expected[] WeightsGradient()
        {
            double[] rows = Elements.ToDoubles<S, E>(_rows), dy = Elements.ToDoubles<S, E>(_dy);
            return
            [
                .. from slot in Enumerable.Range(0, _places.Length)
                   select Exact(
                       from i in Enumerable.Range(0, _places[slot] < 0 ? 0 : _features)
                       select (rows[(_places[slot] * _features) + i], dy[(slot / _kept * _features) + i])),
            ];
        }

        /// <summary>The sum of products, and as the size of its error's unit the sum of their magnitudes.</summary>
        private static Expected Exact(IEnumerable<(double A, double B)> products)
        {
            (DoubleDouble sum, double size) = (0.0, 0.0);
            foreach ((double a, double b) in products)
            {
                sum += (DoubleDouble)a * b;
                size += Math.Abs(a * b);
            }

            return new(sum, size);
        }
    }
}

public sealed class FloatGateCombineTests : GateCombineTests<float, FloatElement, float, FloatElement>;

public sealed class DoubleGateCombineTests : GateCombineTests<double, DoubleElement, double, DoubleElement>;

public sealed class BFloat16GateCombineTests : GateCombineTests<BFloat16, BFloat16Element, float, FloatElement>;

public sealed class HalfGateCombineTests : GateCombineTests<Half, HalfElement, float, FloatElement>;
