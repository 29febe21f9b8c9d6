namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Gradients scaled in place, closed once per stored type below: at every width, between guard pages.</summary>
public abstract unsafe class CutCrossEntropyScaleTests<S, E>
    where S : unmanaged
    where E : IElement<S>
{
    /// <summary>Several blocks, the last not full.</summary>
    private const int Long = (2 << 17) + 13;

    [Fact]
    public void Every_element_is_multiplied_and_rounded_once_on_any_number_of_threads()
    {
        using var memory = new GuardedMemory<S>(Long);
        foreach (int n in (int[])[.. Enumerable.Range(0, 70), Long])
        {
            S[] x = Elements.From<S, E>(Samples.Normal(n, n));
            foreach (double factor in (double[])[0.25, -3, 1 / 3.0])
            {
                double inT = E.Arithmetic.Round(factor);
                Expected[] exact = [.. Elements.ToDoubles<S, E>(x).Select(value => new Expected((DoubleDouble)value * inT))];
                foreach (int bits in Widths.Each())
                {
                    foreach (int threads in (int[])[1, 3])
                    {
                        GuardedRow<S> row = memory.Row(x, threads == 1 ? Placement.Ending : Placement.OffByOne);
                        CutCrossEntropyScale.Run(row.Pointer, n, factor, threads);
                        row.AssertNothingElseWritten($"{n} elements");
                        Close.Assert<S, E>($"{n} elements times {factor}, {bits} bits, {threads} threads", row.Span, exact, 1);
                    }
                }
            }
        }
    }
}

public sealed class FloatCutCrossEntropyScaleTests : CutCrossEntropyScaleTests<float, FloatElement>;

public sealed class DoubleCutCrossEntropyScaleTests : CutCrossEntropyScaleTests<double, DoubleElement>;

public sealed class BFloat16CutCrossEntropyScaleTests : CutCrossEntropyScaleTests<BFloat16, BFloat16Element>;

public sealed class HalfCutCrossEntropyScaleTests : CutCrossEntropyScaleTests<Half, HalfElement>;
