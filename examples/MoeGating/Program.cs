using System.Diagnostics;
using MoeGating;
using TorchSharp;
using TorchSharpSoftmax;
torch.set_num_threads(int.Parse(args[0]));
using var grid = Grid.Create();
var cl = Stopwatch.StartNew();
foreach (var r in Fisher.All(grid)) Console.WriteLine(r);
Console.WriteLine(cl.Elapsed.TotalSeconds);
var brows = (from n in new[]{1000,2000,4000,8000,16000,32000} from r in Enumerable.Range(0,100) select Boundary.Estimate(n,r)).ToArray();
Console.WriteLine(SlopeRow.Of("top-1","boundary", brows.Select(r=>(r.N,r.BoundaryError)), -1.2,-.8));
Console.WriteLine(SlopeRow.Of("top-1","experts", brows.Select(r=>(r.N,r.ExpertError)), -.65,-.4));
Console.WriteLine(cl.Elapsed.TotalSeconds);
foreach (var g in GaussianGate.All)
{
 var d = grid.Density(g.Mixture, Mixture.Truth);
 var rows = (from n in new[]{1000,2000,4000,8000,16000,32000} from r in Enumerable.Range(0,int.Parse(args[1])) select g.Estimate(n,r,grid,d)).ToArray();
 Console.WriteLine(SlopeRow.Of(g.Name,"gate", rows.Select(r=>(r.N,r.GateError)), -1.2,-.8));
 Console.WriteLine(SlopeRow.Of(g.Name,"ratio", rows.Select(r=>(r.N,r.RatioError)), -1.2,-.8));
 Console.WriteLine(SlopeRow.Of(g.Name,"experts", rows.Select(r=>(r.N,r.ExpertError)), -1.2,-.8));
 Console.WriteLine(SlopeRow.Of(g.Name,"hell", rows.Select(r=>(r.N,r.Hellinger)), -1.2,-.8));
 Console.WriteLine(cl.Elapsed.TotalSeconds + " " + string.Join(' ', SlopeRow.Medians(rows.Select(r=>(r.N,r.GateError)))) + " steps " + rows.Average(r=>r.Steps));
}
