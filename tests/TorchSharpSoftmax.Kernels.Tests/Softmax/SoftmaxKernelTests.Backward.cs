using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The derivatives against their formulas, with random upstream gradients, also written over one of their inputs.</summary>
public abstract partial class SoftmaxKernelTests<S, E>
{
    private static readonly Backward[] s_backwards = Enum.GetValues<Backward>();

    [Fact]
    public void Every_length_of_the_last_dimension_gives_the_reference_backward()
    {
        for (int n = 0; n <= 256; n++)
        {
            AssertBackward(new Shape(3, n, 1), Normal(n, 3 * n, 2), s_placements);
        }
    }

    [Fact]
    public void Every_inner_size_gives_the_reference_backward()
    {
        for (int inner = 2; inner <= 40; inner++)
        {
            foreach (int n in (int[])[1, 2, 7, 33])
            {
                AssertBackward(new Shape(2, n, inner), Normal(inner, 2 * n * inner, 2), s_placements);
            }
        }
    }

    [Fact]
    public void Masked_elements_give_the_reference_backward()
    {
        foreach (int n in s_edgeLengths)
        {
            foreach (int inner in s_edgeInners)
            {
                double[] x = Samples.Normal(n, 2 * n * inner, 2);
                for (int i = 0; i < x.Length; i += 3)
                {
                    x[i] = double.NegativeInfinity;
                }

                AssertBackward(new Shape(2, n, inner), Elements.From<S, E>(x), [Placement.Ending]);
            }
        }
    }

    [Fact]
    public void NaN_in_an_output_or_a_gradient_stays_in_its_row()
    {
        foreach (int n in (int[])[1, 5, 16, 33, 100])
        {
            foreach (int inner in s_edgeInners)
            {
                for (int at = 0; at < n; at += Math.Max(1, n / 5))
                {
                    Shape shape = new(2, n, inner);
                    double[] x = Samples.Normal(n, shape.Count, 2), dy = Samples.Normal(n + 1, shape.Count);
                    dy[at * inner] = double.NaN;
                    AssertBackward(shape, Elements.From<S, E>(x), [Placement.Ending], Elements.From<S, E>(dy));
                    x[at * inner] = double.NaN;
                    AssertBackward(shape, Elements.From<S, E>(x), [Placement.Ending]);
                }
            }
        }
    }

    [Fact]
    public void Large_gradients_cancel_without_overflow()
    {
        double size = E.Stored.MaxFinite / 1024;
        foreach (int n in (int[])[2, 17, 100])
        {
            Shape shape = new(2, n, 1);
            double[] dy = [.. Samples.Normal(n, shape.Count).Select(d => Math.Clamp(d, -3, 3) * size)];
            AssertBackward(shape, Normal(n, shape.Count), [Placement.Ending], Elements.From<S, E>(dy));
        }
    }

    private void AssertBackward(Shape shape, S[] x, Placement[] placements, S[]? gradient = null, [CallerMemberName] string test = "")
    {
        double[] exactX = Elements.ToDoubles<S, E>(x);
        double[] lse = [.. SoftmaxReference.LogSumExp(exactX, shape).Select(e => E.Arithmetic.Round((double)e.Value))];
        foreach (Backward op in s_backwards)
        {
            S[] y = op switch
            {
                Backward.Softmax => Stored(SoftmaxReference.Softmax(exactX, shape)),
                Backward.LogSoftmax => Stored(SoftmaxReference.LogSoftmax(exactX, shape)),
                _ => x,
            };
            S[] dy = op == Backward.LogSumExp ? Normal(shape.Length + 2, shape.Rows) : gradient ?? Normal(shape.Length + 1, shape.Count);
            Expected[] exact = BackwardReference(op, y, lse, dy, shape);
            foreach (int bits in Widths.Each(test))
            {
                string what = $"{op} backward {shape} width {bits}";
                double[] dx = _kernels.Run(op, y, lse, dy, shape);
                Close.Assert(what, dx, exact, E.Stored, E.Arithmetic, Units);
                foreach (Placement placement in placements)
                {
                    foreach (Over over in op == Backward.LogSumExp ? [Over.Nothing, Over.Output] : Enum.GetValues<Over>())
                    {
                        Bits.AssertSame<double>($"{what} {placement} over {over}", dx, _kernels.Run(op, y, lse, dy, shape, over, placement));
                    }
                }

                Bits.AssertSame<double>($"{what} on two threads", dx, _kernels.Run(op, y, lse, dy, shape, threads: 2));
            }
        }
    }

    private static Expected[] BackwardReference(Backward op, S[] y, double[] lse, S[] dy, Shape shape)
    {
        double[] exactY = Elements.ToDoubles<S, E>(y), exactDy = Elements.ToDoubles<S, E>(dy);
        return op switch
        {
            Backward.Softmax => SoftmaxReference.SoftmaxBackward(exactY, exactDy, shape),
            Backward.LogSoftmax => SoftmaxReference.LogSoftmaxBackward(exactY, exactDy, shape),
            _ => SoftmaxReference.LogSumExpBackward(exactY, lse, exactDy, shape),
        };
    }

    private static S[] Stored(Expected[] exact) => [.. exact.Select(e => E.FromDouble((double)e.Value))];
}
