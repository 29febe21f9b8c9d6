using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a mixture of experts computed, and how it got there. Disposing it disposes all tensors.</summary>
public sealed class MoEOutputs : IDisposable
{
    internal MoEOutputs(Tensor output, RoutingOutputs routing, IReadOnlyList<long> rows, double drop_rate) =>
        (this.output, this.routing, this.rows, this.drop_rate) = (output, routing, rows, drop_rate);

    /// <summary>The layer's output, [..., D_out].</summary>
    public Tensor output { get; }

    /// <summary>What the gate said: what the losses are made of.</summary>
    public RoutingOutputs routing { get; }

    /// <summary>How many rows each expert computed.</summary>
    public IReadOnlyList<long> rows { get; }

    /// <summary>The share of assignments that found their expert full; 0 without a capacity.</summary>
    public double drop_rate { get; }

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        output.Dispose();
        routing.Dispose();
    }
}
